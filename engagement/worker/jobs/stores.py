"""What steps work on, and what a step is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engagement.db.engine import Database
from engagement.db.jobs import Job
from engagement.hot.connection import Hot
from engagement.hot.pages import Pages

Step = Callable[[Job], bool]
"""Does a bounded piece of a job, and moves it on; False: nothing can be done for now.

It may be broken off anywhere, and done twice at once. Raises `Overtaken`, `Unavailable`.
"""
Steps = Mapping[str, Step]
"""The states of a kind of job that have something left to do → what is done in them."""


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of a worker. `erase_choices`: the setting, `taken` or `kept`."""

    hot: Hot
    database: Database
    pages: Pages
    erase_choices: str = "taken"
