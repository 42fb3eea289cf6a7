"""The data folder of the one-machine default: what is where in it, who may use it, and its secret.

One `serve` at a time owns a folder; `FolderLock` sees to that and tells the next one who.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from engagement.errors import StartError


@dataclass(frozen=True, slots=True)
class Paths:
    """Where things are; all absolute."""

    data: Path
    lock: Path
    secret_key: Path
    database: Path
    redis: Path
    """The folder of the private Redis."""
    metrics: Path
    address: Path
    """Where the last `serve` was reached."""


def paths_for(data: Path) -> Paths:
    """The layout of the data folder `data`, which need not exist."""
    data = data.expanduser().absolute()
    return Paths(
        data=data,
        lock=data / "lock",
        secret_key=data / "secret.key",
        database=data / "engagement.db",
        redis=data / "redis",
        metrics=data / "metrics",
        address=data / "address",
    )


def make_folder(paths: Paths) -> None:
    """Make the data folder, for its owner alone. Raises `StartError` if it can't be made or written."""
    try:
        for folder in (paths.data, paths.redis, paths.metrics):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(paths, error) from error


def unusable(paths: Paths, error: OSError) -> StartError:
    """The one line for a data folder that the system refuses."""
    return StartError(f"the data folder {paths.data} can't be used: {error.strerror or error}")


def ensure_secret_key(paths: Paths) -> None:
    """Make the secret at the first start; call it under the folder's lock.

    It is written aside and renamed, so that a crash never leaves a short one behind.
    """
    if paths.secret_key.exists():
        return
    draft = paths.secret_key.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32))
        file.flush()
        os.fsync(file.fileno())
    draft.rename(paths.secret_key)


def empty_metrics(paths: Paths) -> None:
    """Forget the counts of processes that are gone; call it under the folder's lock."""
    for file in paths.metrics.glob("*.db"):
        file.unlink()


class FolderLock:
    """The exclusive right to a data folder, held until `release` or the end of the process.

    The kernel drops it with the process, so a killed `serve` never blocks the next one. The file
    keeps the owner's pid until a clean end: `owner_was_killed` tells that the last one had none.
    """

    def __init__(self, paths: Paths) -> None:
        """Take it. Raises `StartError` if another process has it or the folder can't be written."""
        try:
            self._fd = os.open(paths.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unusable(paths, error) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = self._read() or "unknown"
            os.close(self._fd)
            raise StartError(f"engagement already runs on {paths.data} (pid {owner})") from None
        self.owner_was_killed = bool(self._read())
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def _read(self) -> str:
        return os.pread(self._fd, 32, 0).decode(errors="replace").strip()

    def release(self) -> None:
        """Give it back at a clean end."""
        os.ftruncate(self._fd, 0)
        os.close(self._fd)
