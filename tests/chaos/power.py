"""A machine that loses its power, as far as it can be played: what Redis had not forced to disk is gone.

A SIGKILL of Redis loses nothing that it has written: the kernel keeps it. So the tail of its file is cut off
after the kill, at the size that the file had a second before: `everysec` promises no more. What the disk
itself might lose is not played.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.chaos.faults import Store
from tests.chaos.history import Window
from tests.servers import RedisNode

SECOND = 1.0
SAMPLE = 0.02
"""Seconds between two looks at the size of the file."""


class PowerCut(Store):
    """Redis, which loses the last second of its file with each kill; `cuts` are the times that were lost."""

    def __init__(self, server: RedisNode, now: Callable[[], float]) -> None:
        super().__init__("redis", server)
        self.cuts: list[Window] = []
        self.bytes = 0
        self._folder = server.folder / "appendonlydir"
        self._now = now
        self._sizes: deque[tuple[float, Path, int]] = deque(maxlen=int(10 / SAMPLE))

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look at the size of the file."""
        over = threading.Event()

        def look() -> None:
            while not over.wait(SAMPLE):
                now, file = self._now(), self._file()
                self._sizes.append((now, file, file.stat().st_size))

        thread = threading.Thread(target=look, name="power")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def kill(self, random: Random) -> None:
        at = self._now()
        super().kill(random)
        file = self._file()
        before = [(when, size) for when, of, size in list(self._sizes) if of == file and when <= at - SECOND]
        if before:
            when, size = before[-1]
            self.bytes += file.stat().st_size - size
            with file.open("r+b") as tail:
                tail.truncate(size)
            self.cuts.append((when, self._now()))

    def _file(self) -> Path:
        """The one that is written to."""
        return max(self._folder.glob("*.incr.aof"), key=lambda path: int(path.name.split(".")[-3]))
