"""A worker in a process of its own, up at once: it is forked from one that has imported everything."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.context import ForkServerProcess

from engagement.settings import Settings

GIVEN = ("database_url", "redis_url", "secret_key", "ledger_keep")
"""The settings that a worker gets; the others are as they are by default."""


class WorkerProcess(ForkServerProcess):
    """`engagement worker` on the same stores, begun; it is handled as what `subprocess` starts."""

    def __init__(self, settings: Settings) -> None:
        multiprocessing.set_forkserver_preload(["engagement.cli", "engagement.worker.loop"])
        environment = {f"ENGAGEMENT_{name.upper()}": str(getattr(settings, name)) for name in GIVEN}
        super().__init__(target=work, args=(environment,), daemon=True)
        self.start()

    def poll(self) -> int | None:
        """The exit code, once it has ended."""
        return self.exitcode

    def wait(self, within: float | None = None) -> int | None:
        """The exit code; None if it goes on for longer than so many seconds."""
        self.join(within)
        return self.exitcode


def work(environment: dict[str, str]) -> None:
    from engagement.cli import main

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os.environ.update(environment)
    main(["worker"])
