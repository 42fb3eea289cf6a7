"""The supervisor, with real child processes: it keeps them up, says so, and leaves none behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from structlog.testing import capture_logs

from engagement.embedded.supervisor import Child, Supervisor
from engagement.errors import StartError
from tests.waiting import until

BEGIN = """
import os, pathlib, signal, sys, time
def note(what): os.write(journal, (what + "\\n").encode())
journal = os.open("journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def up(name):
    note(f"{name} {os.getpid()}")
    pathlib.Path(name).touch()
"""


def obedient(name: str) -> str:
    """Ends at SIGTERM and notes it."""
    return f"""{BEGIN}
signal.signal(signal.SIGTERM, lambda *_: (note("{name} ends"), sys.exit(0)))
up("{name}")
while True: signal.pause()
"""


def stubborn(name: str) -> str:
    """Does not end at SIGTERM."""
    return f"""{BEGIN}
signal.signal(signal.SIGTERM, lambda *_: note("{name} refuses"))
up("{name}")
while True: signal.pause()
"""


def parent(name: str) -> str:
    """Ends at SIGTERM without caring for the child it has."""
    return f"""{BEGIN}
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note(f"grandchild {{os.getpid()}}")
else:
    while "grandchild" not in open("journal").read(): time.sleep(0.01)
    up("{name}")
while True: signal.pause()
"""


class Run:
    """A supervisor in a process of its own, working in `folder`."""

    def __init__(self, folder: Path, children: list[tuple[str, str, float]]) -> None:
        self.folder = folder
        self._said = (folder / "said").open("w+b")
        self._logged = (folder / "logged").open("w+b")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.unit.embedded.supervise", json.dumps(children)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            stdout=self._said,
            stderr=self._logged,
            start_new_session=True,
        )

    def ready(self) -> bool:
        return "ready" in (self.folder / "said").read_text()

    def journal(self) -> list[str]:
        path = self.folder / "journal"
        return path.read_text().splitlines() if path.exists() else []

    def pids(self, name: str) -> list[int]:
        """All the lives of a child, the latest last."""
        lines = (line.split() for line in self.journal())
        return [int(line[1]) for line in lines if line[0] == name and line[1].isdecimal()]

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = (self.folder / "logged").read_text().splitlines()
        return [entry for entry in map(json.loads, lines) if entry["event"] == event]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for line in self.journal():
            if line.split()[1].isdecimal() and psutil.pid_exists(pid := int(line.split()[1])):
                os.kill(pid, signal.SIGKILL)
        self._said.close()
        self._logged.close()


Supervise = Callable[..., Run]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Supervise]:
    runs: list[Run] = []

    def begin(*children: tuple[str, str, float]) -> Run:
        runs.append(Run(tmp_path, list(children)))
        until(runs[-1].ready)
        return runs[-1]

    yield begin
    for run in runs:
        run.close()


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_child_that_was_killed_comes_back_and_one_line_says_so(supervise: Supervise) -> None:
    run = supervise(("web", obedient("web"), 5))
    (first,) = run.pids("web")
    os.kill(first, signal.SIGKILL)
    until(lambda: len(run.pids("web")) == 2)
    (line,) = run.logged("child died, starting it again")
    assert line == {
        "event": "child died, starting it again",
        "level": "warning",
        "child": "web",
        "pid": first,
        "signal": "SIGKILL",
        "pause": 0.0,
    }


def test_children_end_in_the_reverse_order_of_their_start(supervise: Supervise) -> None:
    run = supervise(*((name, obedient(name), 5) for name in ("redis", "worker", "web")))
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(timeout=20) == 0
    assert run.journal()[-3:] == ["web ends", "worker ends", "redis ends"]


def test_each_child_has_a_session_of_its_own_so_that_ctrl_c_does_not_reach_it(supervise: Supervise) -> None:
    run = supervise(("one", obedient("one"), 5), ("two", obedient("two"), 5))
    assert all(os.getsid(pid) == pid for pid in run.pids("one") + run.pids("two"))


def test_a_child_that_ignores_sigterm_is_killed_after_its_grace(supervise: Supervise) -> None:
    run = supervise(("deaf", stubborn("deaf"), 0.2))
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(timeout=20) == 0
    assert run.journal()[-1] == "deaf refuses"
    assert run.logged("killing")[0]["child"] == "deaf"
    assert gone(run.pids("deaf")[0])


def late(name: str) -> str:
    """Handles SIGTERM only after a while."""
    return f"""{BEGIN}
up("{name}")
while not pathlib.Path("listen").exists(): time.sleep(0.01)
signal.signal(signal.SIGTERM, lambda *_: (note("{name} drains"), sys.exit(0)))
while True: signal.pause()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process listens to")
def test_a_child_that_drains_is_not_ended_before_it_listens(supervise: Supervise) -> None:
    run = supervise(("worker", late("worker"), 20))
    run.process.send_signal(signal.SIGTERM)
    until(lambda: run.logged("stopping"))
    assert not gone(run.pids("worker")[0])
    (run.folder / "listen").touch()
    assert run.process.wait(timeout=20) == 0
    assert run.journal()[-1] == "worker drains"


def test_a_second_ctrl_c_does_not_wait_for_the_grace(supervise: Supervise) -> None:
    run = supervise(("other", stubborn("other"), 1000), ("deaf", stubborn("deaf"), 1000))
    run.process.send_signal(signal.SIGINT)
    until(lambda: "deaf refuses" in run.journal())
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(timeout=20) == 0
    assert gone(run.pids("deaf")[0])
    assert gone(run.pids("other")[0])


def test_what_a_child_has_started_ends_with_it(supervise: Supervise) -> None:
    run = supervise(("parent", parent("parent"), 5))
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(timeout=20) == 0
    until(lambda: gone(run.pids("grandchild")[0]))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_no_child_is_left_when_the_supervisor_is_killed(supervise: Supervise) -> None:
    run = supervise(("redis", obedient("redis"), 5), ("web", obedient("web"), 5))
    run.process.kill()
    run.process.wait()
    until(lambda: gone(run.pids("redis")[0]) and gone(run.pids("web")[0]))


def test_a_child_that_dies_thrice_at_the_start_is_given_up(tmp_path: Path) -> None:
    run = Run(tmp_path, [("good", obedient("good"), 5), ("bad", f"{BEGIN}\nsys.exit(3)", 5)])
    assert run.process.wait(timeout=20) == 1
    last = (tmp_path / "logged").read_text().splitlines()[-1]
    assert last == "bad does not come up: it died 3 times, see the lines above"
    assert "good ends" in run.journal()
    run.close()


def test_a_signal_while_children_come_up_stops_them_and_is_no_error(tmp_path: Path) -> None:
    run = Run(tmp_path, [("good", obedient("good"), 5), ("slow", f"{BEGIN}\nwhile True: signal.pause()", 5)])
    until(lambda: run.pids("good"))
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(timeout=20) == 0
    assert "good ends" in run.journal()
    assert not run.ready()
    run.close()


def test_a_child_that_is_never_ready_ends_the_wait_with_its_name() -> None:
    slow = Child(name="slow", argv=["sleep", "1000"], ready=lambda: False)
    with Supervisor() as supervisor:
        supervisor.start(slow)
        with pytest.raises(StartError, match=r"^slow did not come up within 0\.1 seconds$"):
            supervisor.wait_ready(0.1)


def test_a_program_that_is_not_there_is_one_line() -> None:
    with (
        Supervisor() as supervisor,
        pytest.raises(StartError, match=r"^ghost can't be started: /nowhere:"),
    ):
        supervisor.start(Child(name="ghost", argv=["/nowhere"]))


def test_the_signal_handlers_of_before_are_back_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Supervisor():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


class Clock:
    """A clock that stands until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def pauses_of(supervisor: Supervisor, clock: Clock, deaths: int, alive_for: float) -> list[float]:
    """Let the one child die so often, each time after so many seconds by `clock`: the pauses it gets."""
    pauses: list[float] = []
    while len(pauses) < deaths:
        (pid,) = (pid for _, pid in supervisor.pids())
        clock.now += alive_for
        os.kill(pid, signal.SIGKILL)
        with capture_logs() as logs:

            def said(logs: list[Any] = logs) -> bool:
                supervisor._tend()
                return bool(logs)

            until(said)
        pauses.append(logs[0]["pause"])
        clock.now += pauses[-1]
        supervisor._tend()
    return pauses


def test_the_pause_grows_with_each_death_in_a_row_up_to_five_seconds() -> None:
    clock = Clock()
    with Supervisor(clock=clock) as supervisor:
        supervisor.start(Child(name="frail", argv=["sleep", "1000"]))
        assert pauses_of(supervisor, clock, 7, alive_for=1) == [0.0, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_a_child_that_was_up_for_half_a_minute_is_started_again_at_once() -> None:
    clock = Clock()
    with Supervisor(clock=clock) as supervisor:
        supervisor.start(Child(name="frail", argv=["sleep", "1000"]))
        assert pauses_of(supervisor, clock, 3, alive_for=1) == [0.0, 0.5, 1.0]
        assert pauses_of(supervisor, clock, 2, alive_for=30) == [0.0, 0.0]


def test_a_child_that_drains_is_started_once_more_if_it_is_down_at_the_end() -> None:
    clock = Clock()
    with Supervisor(clock=clock) as supervisor, capture_logs() as logs:
        supervisor.start(Child(name="worker", argv=["sleep", "1000"], drains=True, grace=0.0))
        pauses_of(supervisor, clock, 1, alive_for=1)
        ((_, pid),) = supervisor.pids()
        os.kill(pid, signal.SIGKILL)

        def is_down() -> bool:
            supervisor._tend()
            return not list(supervisor.pids())

        until(is_down)
        supervisor.stop()
    (stopped,) = [entry for entry in logs if entry["event"] == "stopping"]
    assert stopped["pid"] != pid
