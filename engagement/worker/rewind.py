"""Notices that SQL went back: a backup was restored, or a replica that lagged was promoted.

Workers count beats in SQL, a committed one every second in which they stored something, and tell Redis each.
An SQL whose beat is lower than what Redis was told has forgotten commits. Then every ledger is flushed anew,
and where SQL is behind what ledgers were trimmed of, it is healed and the view dropped: the protocol alone
would find that out only when somebody looks at the ballot.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import islice

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection, select

from engagement.db import bulk
from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.db.tables import meta
from engagement.hot import commands, walk
from engagement.hot.connection import Hot
from engagement.hot.keys import SHARDS, Ballot
from engagement.hot.pages import Pages

log = structlog.get_logger()
REWINDS = Counter("engagement_sql_rewinds_total", "Times that SQL was found to have gone back")
EVERY = 1.0
"""Seconds between two looks, and between two beats."""
STEP = 1_000
"""Ballots of one step."""
KEY = "beat"
"""Of the beat in the table `meta`."""


class Rewind:
    """Looks, beats, and goes through Redis when SQL went back. Any number of workers may do it at once."""

    def __init__(self, hot: Hot, database: Database, stored: StoredBallots, pages: Pages) -> None:
        self._hot = hot
        self._database = database
        self._stored = stored
        self._pages = pages
        self._next = 0.0
        self._stored_something = False

    def look(self, stored_something: bool) -> None:
        """Once a round; most often it does nothing. Raises `Unavailable`."""
        self._stored_something |= stored_something
        if time.monotonic() < self._next:
            return
        self.check(beat=self._stored_something)
        self._stored_something = False
        self._next = time.monotonic() + EVERY

    def check(self, *, beat: bool) -> None:
        """Has SQL gone back? If so, mend it; then beat, if that is wanted. Raises `Unavailable`."""
        told = self._hot.execute(commands.beat(0))
        with self._database.read() as connection:
            stored = _beat(connection)
        if stored < told:
            REWINDS.inc()
            log.error("sql went back; every ledger is flushed anew, and every floor looked at")
            self._mend()
        if beat or stored < told:
            self._hot.execute(commands.beat(self._commit(told)))

    def _commit(self, told: int) -> int:
        """A beat that is higher than any before."""
        with self._database.write() as connection:
            bulk.put(connection, meta, ("key", "value"), [(KEY, "0")])
            bulk.lock(connection, meta, ("key",), [(KEY,)])
            beat = max(_beat(connection), told) + 1
            bulk.change(connection, meta, ("key",), [(KEY, str(beat))], replace=("value",))
        return beat

    def _mend(self) -> None:
        for shard in range(SHARDS):
            while self._hot.execute(commands.due_now(shard, STEP)):
                pass
        healed = 0
        floors = walk.floors(self._hot)
        while part := dict(islice(floors, STEP)):
            healed += len(self._heal(part))
        log.warning("sql went back: what could be was mended", ballots_that_lost_choices=healed)

    def _heal(self, floors: Mapping[str, str]) -> list[Ballot]:
        """Those of the ballots that lost what their ledgers don't hold any more."""
        behind = self._stored.heal({Ballot.parse(name): floor for name, floor in floors.items()})
        self._hot.execute_many([commands.change_policy(ballot) for ballot in behind])
        self._pages.drop(sorted({(ballot.site, ballot.article) for ballot in behind}))
        return behind


def _beat(connection: Connection) -> int:
    return int(connection.scalar(select(meta.c.value).where(meta.c.key == KEY)) or 0)
