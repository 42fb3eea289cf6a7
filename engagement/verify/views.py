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

from engagement.db import bulk
from engagement.db.articles import article_ids
from engagement.db.ballots import Key, order, read_cursors, sql_key
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
LOOKS = (0.1, 0.4, 1.0, 2.0)
"""Seconds before each of the further looks at what differs."""
LONG = 60_000
"""Milliseconds that an entry may wait without being told of."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A ballot in SQL (at its cursor, `there`: does SQL know what it is on), then in Redis."""

    ballot: Ballot
    key: Key | None
    there: bool
    cursor: str
    stored: Counts
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
        return [difference("unknown", None, {"view": audit.counts, "entries": audit.entries})]
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
    seen = {one.ballot: one for one in _see(database, hot, ballots)}
    for _ in range(3):
        behind = [ballot for ballot, one in seen.items() if one.there and one.behind]
        seen |= {one.ballot: one for one in _see(database, hot, behind)}
    return list(seen.values())


def _see(database: Database, hot: Hot, ballots: Sequence[Ballot]) -> list[Seen]:
    if not ballots:
        return []
    with database.read() as connection:
        ids = article_ids(connection, {(ballot.site, ballot.article) for ballot in ballots})
        keys = {
            ballot: sql_key(ids[ballot.site, ballot.article], ballot)
            for ballot in ballots
            if (ballot.site, ballot.article) in ids
        }
        cursors = read_cursors(connection, list(keys.values()))
        stored = stored_tallies(connection, list(keys.values()))
        on = [(key[0], key[2]) for key in keys.values() if key[1] == VOTE]
        known = set(bulk.fetch(connection, comments, ("article_id", "id"), on, ("article_id", "id")))
    at = {ballot: cursors[keys[ballot]] if ballot in keys else "0-0" for ballot in ballots}
    seen = []
    for ballot, audit in _audit(hot, at).items():
        key = keys.get(ballot)
        there = key is not None and (ballot.kind != VOTE or (key[0], key[2]) in known)
        seen.append(Seen(ballot, key, there, at[ballot], stored[key] if key else {}, audit))
    return seen


def _audit(hot: Hot, at: dict[Ballot, str]) -> dict[Ballot, Audit]:
    """Views, and the whole ledgers after the cursors. A long one is read on to what was its end."""
    found: dict[Ballot, Audit] = {}
    wanted = iter(at.items())
    while part := list(islice(wanted, AUDITS)):
        audits = hot.execute_many([commands.audit(ballot, cursor) for ballot, cursor in part])
        found |= {ballot: _whole(hot, ballot, audit) for (ballot, _), audit in zip(part, audits, strict=True)}
    return found


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
            ids = article_ids(connection, {(ballot.site, ballot.article) for ballot in part})
            keys = {b: sql_key(ids[b.site, b.article], b) for b in part if (b.site, b.article) in ids}
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
