"""Redis against SQL: views, cursors, ledgers and the workers' lists, as far as Redis holds anything.

A view is compared with the stored tally at its cursor and the ledger after it. Entries never change and
cursors only grow, so a ledger may be read in pieces, up to what was its end when the view was read; only if
it was trimmed past the cursor meanwhile it is read again. What differs is looked at again, a little later
each time, before it is told: everything else on a live system is somebody's work half way.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from uuid import UUID

from sqlalchemy import Connection

from engagement.db import bulk
from engagement.db.articles import article_ids
from engagement.db.ballots import ZERO, Key, order, read_cursors, sql_key
from engagement.db.engine import Database
from engagement.db.tables import comments
from engagement.hot import commands, walk
from engagement.hot.answers import Audit
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, VOTE, Ballot
from engagement.verify.counting import Counts, stored_tallies
from engagement.verify.differences import Difference, Totals

AT_ONCE = 500
"""Ballots of one look at SQL."""
AUDITS = 100
"""Ballots of one round trip to Redis; each may have a thousand entries to add up."""
TOLD = 50_000
"""Ballots that are remembered to be told of once."""
LOOKS = (0.1, 0.3, 1.0)
"""Seconds before each of the further looks at what differs."""
LONG = 60_000
"""Milliseconds that an entry may wait without being told of."""


@dataclass(frozen=True, slots=True)
class Held:
    """A ballot in SQL: its cursor and stored tally. `there`: does SQL have what the ballot is on?"""

    key: Key | None
    there: bool
    cursor: str
    stored: Counts


@dataclass(frozen=True, slots=True)
class Seen(Held):
    """A ballot in SQL, and then in Redis."""

    ballot: Ballot
    audit: Audit

    @property
    def expected(self) -> Counts:
        """What a view should say: the stored tally and the ledger after it."""
        sums = {c: self.stored.get(c, 0) + self.audit.moved.get(c, 0) for c in self.stored | self.audit.moved}
        return {choice: count for choice, count in sorted(sums.items()) if count}

    @property
    def behind(self) -> bool:
        """Has the ledger been trimmed past the cursor?"""
        return order(self.cursor) < order(self.audit.floor)


def differences(database: Database, hot: Hot, totals: Totals) -> Iterator[list[Difference]]:
    """What differs, a bounded number at once; each was looked at again and again."""
    told: set[Ballot] = set()  # SCAN may name a ballot twice
    sources = ((_with_ledger(hot), totals), (_with_view_alone(hot), None), (_behind(database, hot), None))
    for ballots, count in sources:
        for part in _parts(ballots):
            found = [d for d in look(database, hot, part, count) if d.ballot not in told]
            if len(told) < TOLD:
                told.update(d.ballot for d in found if d.ballot)
            if found:
                yield found


def look(
    database: Database, hot: Hot, ballots: Sequence[Ballot], totals: Totals | None = None
) -> list[Difference]:
    """What differs in these ballots, and still does in the last of several looks."""
    seen = see(database, hot, ballots)
    if totals is not None:
        for waiting in (one.audit for one in seen if one.audit.age > LONG):
            totals.waiting += waiting.entries
            totals.longest_wait = max(totals.longest_wait, waiting.age // 1000)
    found = [difference for one in seen for difference in judge(one)]
    for pause in LOOKS:
        if not found:
            break
        time.sleep(pause)
        again = see(database, hot, list(dict.fromkeys(d.ballot for d in found if d.ballot)))
        found = [difference for one in again for difference in judge(one)]
    return found


def judge(seen: Seen) -> list[Difference]:
    """What differs in a ballot."""
    ballot, audit = seen.ballot, seen.audit
    name = (ballot.site, ballot.article, ballot.subject)

    def difference(what: str, counted: object, stored: object) -> Difference:
        return Difference(what, *name, counted, stored, key=seen.key, ballot=ballot)

    if not seen.there:
        if audit.counts is None and not audit.entries:
            return []
        view = audit.counts and dict(sorted(audit.counts.items()))
        return [difference("unknown", None, {"view": view, "entries": audit.entries})]
    if seen.behind:
        return [difference("cursor", audit.floor, seen.cursor)]
    found = []
    if audit.counts is not None and audit.counts != seen.expected:
        found.append(difference("view", seen.expected, dict(sorted(audit.counts.items()))))
    if audit.entries and not audit.due:
        found.append(difference("idle", 0, audit.entries))
    return found


def see(database: Database, hot: Hot, ballots: Sequence[Ballot]) -> list[Seen]:
    """The ballots as SQL has them, then as Redis does; those trimmed meanwhile again, a few times."""
    seen: dict[Ballot, Seen] = {}
    left = list(ballots)
    for _ in range(4):
        with database.read() as connection:
            held = in_sql(connection, left)
        seen |= {one.ballot: one for one in then_in_redis(hot, held)}
        left = [ballot for ballot, one in seen.items() if one.there and one.behind]
    return list(seen.values())


def in_sql(connection: Connection, ballots: Sequence[Ballot]) -> dict[Ballot, Held]:
    """The ballots as SQL has them."""
    if not ballots:
        return {}
    keys = _keys(connection, ballots)
    cursors = read_cursors(connection, list(keys.values()))
    stored = stored_tallies(connection, list(keys.values()))
    on = [(key[0], key[2]) for key in keys.values() if key[1] == VOTE]
    known = set(bulk.fetch(connection, comments, ("article_id", "id"), on, ("article_id", "id")))
    nowhere = Held(None, there=False, cursor=ZERO, stored={})
    return dict.fromkeys(ballots, nowhere) | {
        ballot: Held(key, key[1] != VOTE or (key[0], key[2]) in known, cursors[key], stored[key])
        for ballot, key in keys.items()
    }


def then_in_redis(hot: Hot, held: dict[Ballot, Held]) -> Iterator[Seen]:
    """The same ballots, and what Redis has after the cursors. A long ledger is read in pieces."""
    wanted = iter(held.items())
    while part := dict(islice(wanted, AUDITS)):
        audits = hot.execute_many([commands.audit(ballot, one.cursor) for ballot, one in part.items()])
        for (ballot, one), audit in zip(part.items(), audits, strict=True):
            whole = _whole(hot, ballot, audit)
            yield Seen(one.key, one.there, one.cursor, one.stored, ballot, whole)


def _keys(connection: Connection, ballots: Iterable[Ballot]) -> dict[Ballot, Key]:
    """Of those whose article SQL knows."""
    ids = article_ids(connection, {(ballot.site, ballot.article) for ballot in ballots})
    return {b: sql_key(ids[b.site, b.article], b) for b in ballots if (b.site, b.article) in ids}


def _whole(hot: Hot, ballot: Ballot, audit: Audit) -> Audit:
    while audit.newest and audit.last and order(audit.last) < order(audit.newest):
        more = hot.execute(commands.audit(ballot, audit.last, audit.newest))
        audit = replace(
            audit,
            floor=more.floor,
            entries=audit.entries + more.entries,
            last=more.last or audit.newest,  # nothing: it was trimmed, and the floor tells
            moved={c: audit.moved.get(c, 0) + more.moved.get(c, 0) for c in audit.moved | more.moved},
        )
    return audit


def _with_ledger(hot: Hot) -> Iterator[Ballot]:
    """A ledger that was emptied stays as a key, so these are all that were ever chosen on in this Redis."""
    return _parsed(walk.ledgers(hot))


def _with_view_alone(hot: Hot) -> Iterator[Ballot]:
    for part in _parts(_parsed(walk.views(hot))):
        ledgers = hot.execute_many([commands.has_ledger(ballot) for ballot in part])
        yield from (ballot for ballot, there in zip(part, ledgers, strict=True) if not there)


def _behind(database: Database, hot: Hot) -> Iterator[Ballot]:
    """Ballots whose cursors are behind their floors, whatever else Redis still has of them."""
    floors = ((ballot, floor) for name, floor in walk.floors(hot) for ballot in _parsed([name]))
    while part := dict(islice(floors, AT_ONCE)):
        with database.read() as connection:
            keys = _keys(connection, part)
            cursors = read_cursors(connection, list(keys.values()))
        yield from (ballot for ballot, key in keys.items() if order(cursors[key]) < order(part[ballot]))


def _parsed(names: Iterable[str]) -> Iterator[Ballot]:
    """The ballots of names; what is none of ours is left out."""
    for name in names:
        with suppress(ValueError):
            ballot = Ballot.parse(name)
            if ballot.kind != MOOD:
                UUID(ballot.subject)
            yield ballot


def _parts(ballots: Iterable[Ballot]) -> Iterator[list[Ballot]]:
    found = iter(ballots)
    while part := list(dict.fromkeys(islice(found, AT_ONCE))):
        yield part
