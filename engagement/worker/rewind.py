"""Notices that a store went back: a backup was restored, or a replica that lagged was promoted.

Workers count beats in SQL, a committed one every second in which they stored something, and tell Redis each.
An SQL whose beat is lower than what Redis was told has forgotten commits. Then every ledger is flushed anew,
every view is dropped, and where SQL is behind what ledgers were trimmed of, it is healed: the protocol alone
would find that out only when somebody looks at the ballot. A Redis that was told less than SQL counts has
forgotten what was accepted and not stored; nothing can be mended, but it is said.
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
REDIS_REWINDS = Counter("engagement_redis_rewinds_total", "Times that Redis was found to have gone back")
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
        self._seen = 0
        """The beat of SQL at the last look: Redis was told of it since."""

    def look(self, stored_something: bool) -> None:
        """Once a round; most often it does nothing. Raises `Unavailable`."""
        self._stored_something |= stored_something
        if time.monotonic() < self._next:
            return
        self.check(beat=self._stored_something)
        self._stored_something = False
        self._next = time.monotonic() + EVERY

    def check(self, *, beat: bool) -> None:
        """Has a store gone back? Mend and say it; then beat, if that is wanted. Raises `Unavailable`."""
        told = self._hot.execute(commands.beat(0))
        with self._database.read() as connection:
            self._seen, before = _read_beat(connection), self._seen
        forgotten = told < max(before, self._seen - 1)  # of the youngest, Redis may not be told yet
        if forgotten:
            REDIS_REWINDS.inc()
            log.error("redis went back; what was accepted since the last flush before that is lost")
        if self._seen < told:
            self._mend()
        if (beat or forgotten or self._seen < told) and not self._beat(told, mended=self._seen < told):
            self._mend()  # it went back between the two reads
            self._beat(told, mended=True)

    def _beat(self, told: int, *, mended: bool) -> bool:
        """Commit a beat higher than any before, and tell it; False if SQL turns out to have gone back."""
        with self._database.write() as connection:
            bulk.put(connection, meta, ("key", "value"), [(KEY, "0")])
            bulk.lock(connection, meta, ("key",), [(KEY,)])
            stored = _read_beat(connection)
            if stored < told and not mended:
                return False
            beat = max(stored, told) + 1
            bulk.change(connection, meta, ("key",), [(KEY, str(beat))], replace=("value",))
        self._hot.execute(commands.beat(beat))
        self._seen = beat
        return True

    def _mend(self) -> None:
        REWINDS.inc()
        log.error("sql went back; every ledger is flushed anew, every view built anew")
        for shard in range(SHARDS):
            while self._hot.execute(commands.due_now(shard, STEP)):
                pass
        healed = 0
        floors = walk.floors(self._hot)
        while part := dict(islice(floors, STEP)):
            healed += len(self._heal(part))
        views = walk.views(self._hot)
        while names := list(islice(views, STEP)):
            self._hot.execute_many([commands.forget_view(Ballot.parse(name)) for name in names])
        log.warning("sql went back: what could be was mended", ballots_that_lost_choices=healed)

    def _heal(self, floors: Mapping[str, str]) -> list[Ballot]:
        """Those of the ballots that lost what their ledgers don't hold any more."""
        named = {Ballot.parse(name): floor for name, floor in floors.items()}
        behind = self._stored.behind(named)
        self._hot.execute_many([commands.change_policy(ballot) for ballot in behind])  # as in `healing`
        self._stored.heal({ballot: named[ballot] for ballot in behind})
        self._pages.drop(sorted({(ballot.site, ballot.article) for ballot in behind}))
        return behind


def _read_beat(connection: Connection) -> int:
    return int(connection.scalar(select(meta.c.value).where(meta.c.key == KEY)) or 0)
