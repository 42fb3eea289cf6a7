"""Does SQL have everything that a reader chose before they were barred?

Every ballot that has entries which SQL lacks is on the workers' list of its shard. So going through the lists
once, and through the ledgers of those ballots after their cursors, tells for good: a barred reader adds
nothing. Ballots that are put off because of somebody else's entry don't matter then.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from cachetools import LRUCache

from engagement.db.articles import article_ids
from engagement.db.ballots import ZERO, order, read_cursors, sql_key
from engagement.hot import commands
from engagement.hot.keys import MOOD, SHARDS, Ballot
from engagement.worker.jobs.stores import Stores

GROUP = 16
"""Shards that are looked at together."""
BALLOTS = 500
"""Of one round trip."""
ENTRIES = 500
"""Of one ballot in one round trip."""
BOUND = 5_000
"""Ballots, and entries, after which a step ends."""
ALL = 10_000_000


class Written:
    """Remembers how far it has read each ledger, so that each entry is read once."""

    def __init__(self, stores: Stores) -> None:
        self._hot = stores.hot
        self._database = stores.database
        self._read: LRUCache[str, dict[Ballot, str]] = LRUCache(64)

    def up_to(self, bar: str, site: str, reader: bytes, shard: int) -> int:
        """From `shard` on, the first shard of which it can't be told yet; `SHARDS` when it is true of all.

        `bar` names the bar under which it is asked. Raises `Unavailable`.
        """
        read = self._read.setdefault(bar, {})
        left = BOUND
        while shard < SHARDS and left > 0:
            group = range(shard, min(shard + GROUP, SHARDS))
            listed = self._hot.execute_many([commands.all_due(n, ALL) for n in group])
            due = [ballot for names in listed for ballot in _of_site(site, names)]
            for start in range(0, len(due), BALLOTS):
                if not self._has_none(due[start : start + BALLOTS], reader, read):
                    return shard
            left -= len(due)
            shard = group.stop
        return shard

    def _has_none(self, ballots: Sequence[Ballot], reader: bytes, read: dict[Ballot, str]) -> bool:
        """Does SQL lack no entry of the reader on these ballots?"""
        with self._database.read() as connection:
            ids = article_ids(connection, {(ballot.site, ballot.article) for ballot in ballots})
            keys = {b: sql_key(ids[b.site, b.article], b) for b in ballots if (b.site, b.article) in ids}
            cursors = read_cursors(connection, list(keys.values()))
        at = {}
        for ballot in ballots:
            cursor = cursors[keys[ballot]] if ballot in keys else ZERO
            at[ballot] = max(cursor, read.get(ballot, ZERO), key=order)
        left = BOUND
        while at and left > 0:
            asked = [commands.entries(ballot, after, ENTRIES) for ballot, after in at.items()]
            more = {}
            for ballot, found in zip(at, self._hot.execute_many(asked), strict=True):
                if any(entry.reader == reader for entry in found):
                    return False
                if found:
                    read[ballot] = found[-1].id
                if len(found) == ENTRIES:
                    more[ballot] = found[-1].id
                left -= len(found)
            at = more
        return not at


def _of_site(site: str, names: Sequence[str]) -> list[Ballot]:
    """The ballots of the reader's site; what is no ballot can have no choice."""
    found = []
    for name in names:
        kind, _, rest = name.partition(":")
        subject, _, rest = rest.partition(":")
        if rest.startswith(f"{site}:") and (kind == MOOD or _is_id(subject)):
            found.append(Ballot.parse(name))
    return found


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
