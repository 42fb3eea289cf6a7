"""A pipe that the web process waits at until requests may be served.

So the application loads, which takes the longest, while the database is still being brought to this
release. A web process that is started again later finds the gate open.
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import Self

VARIABLE = "SERVE_GATE_FD"
"""Names the pipe's reading end in the environment of the web process."""


class Gate:
    """The supervisor's side: closed until `open`."""

    def __init__(self) -> None:
        self.fd, self._bar = os.pipe()

    def open(self) -> None:
        """Let whoever waits go on, now and later."""
        if self._bar >= 0:
            os.close(self._bar)
            self._bar = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open()
        os.close(self.fd)


def wait_at_gate() -> None:
    """The web process's side. Returns at once where there is no gate."""
    if VARIABLE in os.environ:
        os.read(int(os.environ[VARIABLE]), 1)
