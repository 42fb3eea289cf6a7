"""A recount as a person reads it: tables of figures, and in words whether they agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import orjson

from engagement.reactions.moods import MOODS
from engagement.verify.counting import Counts
from engagement.verify.recount import Recount, Tally, Votes, plus

CHOICES, LEDGER, TOGETHER = "stored choices", "in the ledger", "together"
VIEW, STORED, SORTED = "view in Redis", "stored tally", "sorted by"
VOTES = ("up", "down")
NAME, WIDTH = 10, 16
COMMENT = 36
"""Characters of a comment's id."""


def as_text(recount: Recount, each: bool) -> Iterator[str]:
    """Lines for a person; with `each` the votes on each comment as well."""
    yield from _moods(recount, recount.moods())
    yield ""
    votes = Votes()
    for tally in recount.votes():
        if each and not votes.comments:
            columns = (CHOICES, LEDGER, TOGETHER, VIEW, STORED, SORTED)
            yield "up/down".ljust(COMMENT) + "".join(column.rjust(WIDTH) for column in columns)
        votes.add(tally)
        if each:
            yield _comment(tally)
    if each and votes.comments:
        yield ""
    yield from _votes(votes)


def as_document(recount: Recount, each: bool) -> Iterator[str]:
    """The same as one JSON object, a part at a time."""
    named = {"site": recount.site, "article": recount.article, "generation": recount.generation}
    yield _json(named | {"moods": recount.moods().body()})[:-1]
    if each:
        yield ', "comments": ['
    votes = Votes()
    for tally in recount.votes():
        if each:
            yield ("," if votes.comments else "") + _json(tally.body())
        votes.add(tally)
    yield f'{"]" if each else ""}, "votes": {_json(votes.body())}, "agrees": {_json(recount.agrees)}}}'


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _moods(recount: Recount, tally: Tally) -> Iterator[str]:
    yield f"Moods of {recount.article}, site {recount.site}"
    yield from _table(
        [mood.key for mood in MOODS],
        {CHOICES: tally.choices, LEDGER: tally.ledger, TOGETHER: tally.together, VIEW: tally.view,
         STORED: tally.stored},
    )  # fmt: skip
    yield (
        f"Ledger entries after the cursor {tally.cursor}: {tally.entries}. (An id is generation-number; the "
        f"newest generation of shard {recount.shard} is {recount.generation}.)"
    )
    if tally.view is None:
        yield "Redis has no view of it now: the next who asks has it built from these figures."
    yield _verdict(tally.faults)


def _votes(votes: Votes) -> Iterator[str]:
    if not votes.comments:
        yield "It has no comments."
        return
    yield f"Votes on its comments ({votes.comments})"
    yield from _table(
        VOTES,
        {CHOICES: votes.choices, LEDGER: votes.ledger, TOGETHER: plus(votes.choices, votes.ledger),
         STORED: votes.stored, SORTED: dict(zip(VOTES, votes.sorted_by, strict=False))},
    )  # fmt: skip
    yield f"Ledger entries after the cursors: {votes.entries}. Comments with a view in Redis: {votes.views}."
    yield _verdict([f"{votes.off} of the comments; --comments shows which and how"] if votes.off else [])


def _comment(tally: Tally) -> str:
    up, down, _ = tally.sorted_by or [0, 0, 0]
    cells = [
        _pair(tally.choices), _pair(tally.ledger, "+"), _pair(tally.together),
        "-" if tally.view is None else _pair(tally.view), _pair(tally.stored), f"{up}/{down}",
    ]  # fmt: skip
    line = tally.ballot.subject.ljust(COMMENT) + "".join(cell.rjust(WIDTH) for cell in cells)
    return f"{line}  {_verdict(tally.faults)}" if tally.faults else line


def _table(rows: Sequence[str], columns: Mapping[str, Counts | None]) -> Iterator[str]:
    others = {choice for counts in columns.values() for choice in counts or {}} - set(rows)
    yield " " * NAME + "".join(column.rjust(WIDTH) for column in columns)
    for choice in [*rows, *sorted(others)]:
        cells = [_cell(column, counts, choice) for column, counts in columns.items()]
        yield choice.ljust(NAME) + "".join(cells)
    cells = [_cell(column, counts, None) for column, counts in columns.items()]
    yield "total".ljust(NAME) + "".join(cells)


def _cell(column: str, counts: Counts | None, choice: str | None) -> str:
    """One choice's number, or the sum of them all."""
    if counts is None:
        return "-".rjust(WIDTH)
    number = sum(counts.values()) if choice is None else counts.get(choice, 0)
    return f"{number:{'+,' if column == LEDGER else ','}}".rjust(WIDTH)


def _pair(counts: Counts, sign: str = "") -> str:
    return "/".join(f"{counts.get(choice, 0):{sign}}" for choice in VOTES)


def _verdict(faults: Sequence[str]) -> str:
    return f"DOES NOT AGREE: {'; '.join(faults)}." if faults else "Agrees."
