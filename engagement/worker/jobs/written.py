"""Does SQL have everything that a reader chose before they were barred?

Every ballot that has entries which SQL lacks is on the workers' list of its shard. So going through the lists
once, and through the ledgers of those ballots after their cursors, tells for good: a barred reader adds
nothing. Ballots that are put off because of somebody else's entry don't matter then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from cachetools import LRUCache

from engagement.db.articles import article_ids
from engagement.db.ballots import ZERO, order, read_cursors, sql_key
from engagement.hot import commands, walk
from engagement.hot.keys import MOOD, SHARDS, Ballot
from engagement.worker.jobs.stores import Stores

BALLOTS = 500
"""Of one round trip."""
ENTRIES = 500
"""Of one ballot in one round trip."""
BOUND = 2_000
"""Ballots, and entries, after which a step ends: about a tenth of a second."""


@dataclass(slots=True)
class _Walk:
    """`shard`: the first that is not gone through; `then`: the one when `left` is empty.

    `left`: the ballots of this part that are still to be looked at, and how far each ledger is read.
    """

    parts: Iterator[tuple[int, list[str]]]
    shard: int
    then: int
    left: dict[Ballot, str] = field(default_factory=dict)


class Written:
    """Remembers how far it has gone, and has read each ledger, so that each entry is read once."""

    def __init__(self, stores: Stores) -> None:
        self._hot = stores.hot
        self._database = stores.database
        self._walks: LRUCache[str, _Walk] = LRUCache(64)

    def up_to(self, bar: str, site: str, reader: bytes, shard: int) -> tuple[int, bool]:
        """From `shard` on, the first shard of which it can't be told yet; `SHARDS` when it is true of all.

        And whether there is something to wait for; else it has only not come further, for now. `bar` names
        the bar under which it is asked. Raises `Unavailable`.
        """
        walking = self._walks.pop(bar, None)  # not kept where it fails: then it begins anew
        if walking is None or walking.shard != shard:
            walking = _Walk(walk.due(self._hot, shard), shard, shard)
        left, waits = BOUND, False
        while walking.shard < SHARDS and left > 0 and not waits:
            if not walking.left:
                walking.then, names = next(walking.parts)
                walking.left = dict.fromkeys(_of_site(site, names), ZERO)
            waits, read = self._look(walking.left, reader)
            left -= read
            if not walking.left:
                walking.shard = walking.then
        self._walks[bar] = walking
        return walking.shard, waits

    def _look(self, left: dict[Ballot, str], reader: bytes) -> tuple[bool, int]:
        """Look at some of the ballots; those whose ledgers are read to their ends are left no more.

        Does one wait for an entry of the reader to be stored? And how much was read, ballots and entries.
        """
        some = list(islice(left, BALLOTS))
        if not some:
            return False, 0
        with self._database.read() as connection:
            ids = article_ids(connection, {(ballot.site, ballot.article) for ballot in some})
            keys = {b: sql_key(ids[b.site, b.article], b) for b in some if (b.site, b.article) in ids}
            cursors = read_cursors(connection, list(keys.values()))
        at = {b: max(cursors[keys[b]] if b in keys else ZERO, left[b], key=order) for b in some}
        found = self._hot.execute_many([commands.entries(b, after, ENTRIES) for b, after in at.items()])
        waits = False
        for ballot, entries in zip(some, found, strict=True):
            del left[ballot]
            if any(entry.reader == reader for entry in entries):
                waits = True
                left[ballot] = at[ballot]
            elif len(entries) == ENTRIES:
                left[ballot] = entries[-1].id
        return waits, len(some) + sum(map(len, found))


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
