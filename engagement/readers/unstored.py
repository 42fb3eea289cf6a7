"""A reader's choices that are in the ledger alone: read beside SQL, with no transaction open meanwhile.

Every ballot with entries that SQL lacks is on its shard's list. So: the lists, the ballots' cursors, the
entries after them. Whatever is stored and trimmed in between, SQL has when it is read after all this; and
what SQL's cursors have passed by then is left out (`newer`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from engagement import clock
from engagement.db.articles import article_ids
from engagement.db.ballots import Key, order, read_cursors, sql_key
from engagement.db.engine import Database
from engagement.errors import RedisUnavailable
from engagement.hot import commands
from engagement.hot.answers import Entry
from engagement.hot.connection import Hot
from engagement.hot.keys import SHARDS, Ballot

BALLOTS = 500
"""Of one shard, and of one look at SQL."""
ENTRIES = 1_000
"""Of one ballot in one round trip."""
BOUND = 50_000
"""Entries, after which it isn't read on: the worker is far behind."""


@dataclass(frozen=True, slots=True)
class Unstored:
    """The reader's last entry on each ballot, and when it was that all before it are here or in SQL.

    `as_of` None: Redis is away, so nobody knows.
    """

    entries: dict[Key, tuple[Ballot, Entry]]
    as_of: datetime | None

    def newer(self, connection: Connection) -> dict[Key, tuple[Ballot, Entry]]:
        """What the SQL of this transaction lacks."""
        cursors = read_cursors(connection, list(self.entries))
        return {k: found for k, found in self.entries.items() if order(found[1].id) > order(cursors[k])}


def unstored(hot: Hot, database: Database, site: str, reader: bytes) -> Unstored:
    """What the ledgers hold of a reader. Raises `DatabaseUnavailable`."""
    try:
        return _read(hot, database, site, reader)
    except RedisUnavailable:
        return Unstored({}, None)


def _read(hot: Hot, database: Database, site: str, reader: bytes) -> Unstored:
    now = clock.now()
    due = hot.execute_many([commands.due(shard, BALLOTS) for shard in range(SHARDS)])
    stored_till = now - timedelta(milliseconds=max((found.lag for found in due if found), default=0))
    complete = all(len(found.floors) < BALLOTS for found in due if found)
    named = [Ballot.parse(name) for found in due if found for name in found.floors]
    mine = [ballot for ballot in named if ballot.site == site]
    entries: dict[Key, tuple[Ballot, Entry]] = {}
    left = BOUND
    for start in range(0, len(mine), BALLOTS):
        part = mine[start : start + BALLOTS]
        keys, at = _cursors(database, part)
        while at and left > 0:
            asked = [commands.entries(ballot, after, ENTRIES) for ballot, after in at.items()]
            more = {}
            for ballot, found in zip(at, hot.execute_many(asked), strict=True):
                own = [entry for entry in found if entry.reader == reader]
                if own:
                    entries[keys[ballot]] = ballot, own[-1]
                left -= len(found)
                if len(found) == ENTRIES:
                    more[ballot] = found[-1].id
            at = more
        complete &= not at
    return Unstored(entries, now if complete else stored_till)


def _cursors(database: Database, ballots: Sequence[Ballot]) -> tuple[dict[Ballot, Key], dict[Ballot, str]]:
    """Of those that SQL has an article for: it has one for all that readers may choose on."""
    with database.read() as connection:
        ids = article_ids(connection, {(ballot.site, ballot.article) for ballot in ballots})
        there = [ballot for ballot in ballots if (ballot.site, ballot.article) in ids]
        keys = {ballot: sql_key(ids[ballot.site, ballot.article], ballot) for ballot in there}
        cursors = read_cursors(connection, list(keys.values()))
    return keys, {ballot: cursors[key] for ballot, key in keys.items()}
