"""Keeps a few child processes up, and ends them in order.

Each child has a session of its own, so that Ctrl-C in a terminal reaches the supervisor alone. Signals
arrive through a wake-up pipe, so none is lost between a look and a wait. Everything happens in the main
thread: on Linux a child asks the kernel for SIGTERM at the death of the *thread* that spawned it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

import structlog

from engagement.errors import StartError

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 5.0)
"""Seconds before a child that died is started again: its first death in a row, its second, …"""
STEADY_AFTER = 30.0
"""A child that was up for so many seconds has come up: its next death is a first one again."""
DEATHS_AT_START = 3
READY_TICK = 0.02
"""Seconds between two looks at a child that is coming up."""
STDERR = 2
PR_SET_PDEATHSIG = 1

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A program to keep up. `ready` says without blocking whether it has come up; `grace` is in seconds."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    pass_fds: Sequence[int] = ()
    ready: Callable[[], bool] | None = None
    grace: float = 15.0
    """From SIGTERM to SIGKILL."""
    drains: bool = False
    """Whether it has work to do at SIGTERM: then it gets none before it listens, and is never left out."""
    told_in: str = "the lines above"
    """Where its messages are."""


@dataclass(slots=True)
class _Life:
    """What the supervisor knows of one child."""

    child: Child
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    deaths: int = 0
    again_at: float = 0.0
    """When to start it, while it has no process."""
    is_ready: bool = False


class Supervisor:
    """Starts children, restarts those that die, stops all of them on leaving its `with` block.

    SIGINT, SIGTERM and SIGHUP end `wait_ready` and `run`; a second SIGINT while stopping kills what is left.
    """

    def __init__(
        self, *, stop_order: Sequence[str] = (), clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`stop_order` has names; those that it hasn't are stopped before, the last started first."""
        self._stop_order = stop_order
        self._clock = clock
        self._lives: list[_Life] = []
        self._stop_signals: list[int] = []
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._wake, write = os.pipe()
        self._undo.callback(os.close, self._wake)
        self._undo.callback(os.close, write)
        os.set_blocking(self._wake, False)
        os.set_blocking(write, False)
        for number in (*STOP_SIGNALS, signal.SIGCHLD):
            if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # nohup
            before = signal.signal(number, _noted)
            self._undo.callback(signal.signal, number, before or signal.SIG_DFL)
        self._undo.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(write, warn_on_full_buffer=False))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._undo:
            self.stop()

    def start(self, child: Child) -> None:
        """Start `child` and keep it up from now on. Raises `StartError` if there is no such program."""
        life = _Life(child, is_ready=child.ready is None)
        self._lives.append(life)
        self._spawn(life)

    def wait_ready(self, within: float) -> bool:
        """Wait up to `within` seconds for all children; False if a signal asked to stop.

        Raises `StartError` when the time is over, or when a child has died thrice.
        """
        deadline = self._clock() + within
        while not self._stop_signals:
            self._tend()
            self._look()
            late = [life for life in self._lives if not life.is_ready or life.process is None]
            if not late:
                return True
            for life in late:
                if life.deaths >= DEATHS_AT_START:
                    name, told_in = life.child.name, life.child.told_in
                    raise StartError(f"{name} does not come up: it died {life.deaths} times, see {told_in}")
            if self._clock() > deadline:
                names = " and ".join(life.child.name for life in late)
                raise StartError(f"{names} did not come up within {within:g} seconds")
            self._sleep(READY_TICK)
        return False

    def run(self) -> None:
        """Keep the children up until a signal asks to stop."""
        while not self._stop_signals:
            self._tend()
            self._sleep(self._until_restart())

    def run_once(self, child: Child) -> tuple[int, str]:
        """Run `child` to its end, whatever signal comes: its exit code and what it said on standard output.

        The others are kept up meanwhile. A second SIGINT ends it.
        """
        with tempfile.TemporaryFile() as said:
            process = spawn(child, stdout=said.fileno())
            while process.poll() is None:
                if self._in_haste():
                    process.kill()
                self._tend()
                self._sleep(self._until_restart())
            said.seek(0)
            return process.wait(), said.read().decode(errors="replace").strip()

    def stop(self) -> None:
        """End the children: SIGTERM, then SIGKILL when their grace is over or at a second SIGINT."""
        places = {name: place for place, name in enumerate(self._stop_order)}
        lives = self._lives[::-1]
        lives.sort(key=lambda life: places.get(life.child.name, -1))
        for life in lives:
            if life.process is None and life.child.drains and not self._in_haste():
                self._spawn(life)
            if life.process is not None:
                self._end(life, life.process)

    def _end(self, life: _Life, process: subprocess.Popen[bytes]) -> None:
        log.info("stopping", child=life.child.name, pid=process.pid)
        deadline = self._clock() + life.child.grace
        if life.child.drains:
            while not _listens(process) and self._clock() < deadline and not self._in_haste():
                self._sleep(READY_TICK)
        process.terminate()
        while process.poll() is None and (left := deadline - self._clock()) > 0 and not self._in_haste():
            self._sleep(left)
        if process.poll() is None:
            log.warning("killing", child=life.child.name, pid=process.pid)
        _signal_group(process.pid, signal.SIGKILL)
        code = process.wait()
        if code not in (0, -signal.SIGTERM):
            log.warning("did not stop well", **_obituary(life.child, process.pid, code))
        life.process = None

    @property
    def asked_to_stop(self) -> bool:
        """Whether a signal asked to stop."""
        return bool(self._stop_signals)

    def pids(self) -> Iterator[tuple[str, int]]:
        """The children that are up: name and process id."""
        return ((life.child.name, life.process.pid) for life in self._lives if life.process is not None)

    def _in_haste(self) -> bool:
        return self._stop_signals.count(signal.SIGINT) > 1

    def _spawn(self, life: _Life) -> None:
        life.process = spawn(life.child)
        life.began = self._clock()
        life.is_ready = life.child.ready is None

    def _until_restart(self) -> float | None:
        """Seconds until a child is to be started again, None if all are up."""
        due = [life.again_at for life in self._lives if life.process is None]
        return max(0.0, min(due) - self._clock()) if due else None

    def _tend(self) -> None:
        """Notice deaths, and start again those whose pause is over."""
        now = self._clock()
        for life in self._lives:
            if life.process is not None and (code := life.process.poll()) is not None:
                # What the child had started itself, such as web workers, is asked to finish.
                _signal_group(life.process.pid, signal.SIGTERM)
                if now - life.began >= STEADY_AFTER:
                    life.deaths = 0
                pause = PAUSES[min(life.deaths, len(PAUSES) - 1)]
                life.deaths += 1
                life.again_at = now + pause
                obituary = _obituary(life.child, life.process.pid, code)
                log.warning("child died, starting it again", **obituary, pause=pause)
                life.process = None
            if life.process is None and now >= life.again_at:
                self._spawn(life)

    def _look(self) -> None:
        for life in self._lives:
            if life.child.ready is not None and not life.is_ready and life.process is not None:
                life.is_ready = life.child.ready()

    def _sleep(self, seconds: float | None) -> None:
        """Wait for a signal, at most so long, and note it."""
        select.select([self._wake], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            self._stop_signals += [n for n in os.read(self._wake, 4096) if n in STOP_SIGNALS]


def _noted(number: int, frame: FrameType | None) -> None:
    """Do nothing: the wake-up pipe has the signal's number."""


def spawn(child: Child, stdout: int = STDERR) -> subprocess.Popen[bytes]:
    """Start the program, to end with us: from the main thread. Raises `StartError` if there is none.

    What it says goes to standard error: our output is for the line that says where the service is.
    """
    try:
        return subprocess.Popen(
            child.argv,
            env=None if child.env is None else dict(child.env),
            pass_fds=child.pass_fds,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            start_new_session=True,
            preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509  # there is one thread
        )
    except OSError as error:
        raise StartError(f"{child.name} can't be started: {child.argv[0]}: {error.strerror}") from error


def _obituary(child: Child, pid: int, code: int) -> dict[str, object]:
    cause = {"signal": signal.Signals(-code).name} if code < 0 else {"exit_code": code}
    return {"child": child.name, "pid": pid, **cause}


def _listens(process: subprocess.Popen[bytes]) -> bool:
    """Whether the process handles SIGTERM, as far as the system tells: one that still loads doesn't."""
    if process.poll() is None:
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{process.pid}/status").read_text()
            caught = re.search(r"^SigCgt:\s*(\w+)$", status, re.MULTILINE)
            return caught is None or bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)
    return True


def _signal_group(leader: int, number: int) -> None:
    """Signal what is left of the session that `leader`, a child that has just ended or is still up, began."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _die_with(parent: int) -> Callable[[], None]:
    """What a child does between fork and exec: tie its life to `parent`'s, so that none is left behind."""

    def tie() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return tie
