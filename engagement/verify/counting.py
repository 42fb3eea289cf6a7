"""The statements that count again, each of them one snapshot, on every store.

A figure that is counted and the same figure as it is stored are added up side by side, one article's or
ballot's rows with the others' in one pass over the primary keys.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    SmallInteger,
    Subquery,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from engagement.comments.counting import APPROVED, POSTED
from engagement.db import bulk
from engagement.db.ballots import Key
from engagement.db.tables import (
    BALLOT,
    article_counts,
    articles,
    choices,
    comments,
    events,
    outbox,
    place_of,
    tallies,
)
from engagement.hot.keys import VOTE

On = Callable[[Any], ColumnElement[bool]]
"""From a column that holds an article's internal id to the condition that it is one of those looked at."""
Counts = dict[str, int]
ZERO = literal(0, BigInteger)
ONE = literal(1, BigInteger)


def sort_keys(votes: Counts) -> list[int]:
    """What a comment with these votes is sorted by: up, down, score."""
    up, down = votes.get("up", 0), votes.get("down", 0)
    return [up, down, up - down]


def counted_choices(connection: Connection, keys: Sequence[Key]) -> dict[Key, Counts]:
    """How often each choice is stored on each of the ballots."""
    found: dict[Key, Counts] = {key: {} for key in keys}
    for a, k, s, choice, count in sorted(bulk.count(connection, choices, BALLOT, keys, "choice")):
        found[a, k, s][choice] = count
    return found


def stored_tallies(connection: Connection, keys: Sequence[Key]) -> dict[Key, Counts]:
    """The stored tally of each of the ballots, zeros left out."""
    found: dict[Key, Counts] = {key: {} for key in keys}
    rows = bulk.fetch(connection, tallies, BALLOT, keys, (*BALLOT, "choice", "count"))
    for a, k, s, choice, count in sorted(rows):
        if count:
            found[a, k, s][choice] = count
    return found


def ballots(on: On, after: Key | None, limit: int) -> Select[Any]:
    """In each row a ballot that differs; and in every row, how many `ballots` hold `choices`, and how many.

    They are the first `limit` after `after` in the order of their keys, with what is off: the tally
    (`tally_off`), a comment's sort keys (`votes_off`), or SQL has no such article or comment (`orphan`).
    Where none differs there is one row without a ballot.
    """
    by_ballot = _by_ballot(on).cte("by_ballot").prefix_with("MATERIALIZED")
    b = by_ballot.c
    whole = (
        select(func.count().label("ballots"), func.sum(b.choices).label("choices"))
        .where(b.held == 1)
        .subquery()
    )
    votes_off = and_(b.kind == VOTE, b.there == 1, b.votes_off == 1)
    orphan = and_(b.held == 1, or_(articles.c.id.is_(None), and_(b.kind == VOTE, b.there == 0)))
    off = (
        select(
            b.article_id, b.kind, b.subject_id, b.up, b.down, b.score,
            articles.c.site, articles.c.external_id,
            (b.tally_off == 1).label("tally_off"), votes_off.label("votes_off"), orphan.label("orphan"),
        )
        .outerjoin_from(by_ballot, articles, articles.c.id == b.article_id)
        .where(or_(b.tally_off == 1, votes_off, orphan))
        .where(past(after, b.article_id, b.kind, b.subject_id))
        .order_by(b.article_id, b.kind, b.subject_id)
        .limit(limit)
        .subquery()
    )  # fmt: skip
    return (
        select(whole, off)
        .outerjoin_from(whole, off, true())
        .order_by(off.c.article_id, off.c.kind, off.c.subject_id)
    )


def _by_ballot(on: On) -> Select[Any]:
    """Of each ballot, and of each comment: what is counted, and what is stored."""
    c = _by_choice(on).c
    up, down = (func.sum(case((c.choice == choice, c.counted), else_=0)) for choice in ("up", "down"))
    keys_off = or_(
        func.sum(c.up) != up, func.sum(c.down) != down, func.sum(c.score) != func.sum(c.up) - func.sum(c.down)
    )
    return select(
        c.article_id, c.kind, c.subject_id,
        func.sum(c.counted).label("choices"),
        func.max(case((or_(c.counted != 0, c.stored != 0), 1), else_=0)).label("held"),
        func.max(case((c.counted != c.stored, 1), else_=0)).label("tally_off"),
        case((keys_off, 1), else_=0).label("votes_off"),
        *(func.sum(c[name]).label(name) for name in ("there", "up", "down", "score")),
    ).group_by(c.article_id, c.kind, c.subject_id)  # fmt: skip


def _by_choice(on: On) -> Subquery:
    """Choices, tallies, and (as the choice `''`) what comments are sorted by, side by side."""
    c, t, m = choices.c, tallies.c, comments.c
    figures = ("counted", "stored", "there", "up", "down", "score")
    rows = union_all(
        select(c.article_id, c.kind, c.subject_id, c.choice, func.count().label("counted"),
               *(ZERO.label(name) for name in figures[1:]))
        .where(on(c.article_id)).group_by(c.article_id, c.kind, c.subject_id, c.choice),
        select(t.article_id, t.kind, t.subject_id, t.choice, ZERO, t.count, ZERO, ZERO, ZERO, ZERO)
        .where(on(t.article_id)),
        select(m.article_id, literal(VOTE), m.id, literal(""), ZERO, ZERO, ONE, m.up, m.down, m.score)
        .where(on(m.article_id)),
    ).subquery()  # fmt: skip
    key = (rows.c.article_id, rows.c.kind, rows.c.subject_id, rows.c.choice)
    return select(*key, *(func.sum(rows.c[name]).label(name) for name in figures)).group_by(*key).subquery()


def comment_counts(on: On) -> Select[Any]:
    """A row for each article: its `comments` and `threads` as counted, and as stored."""
    m, s, w = comments.c, article_counts.c, _waiting(on).subquery().c
    approved, thread = (
        case((m.status == APPROVED, 1), else_=0),
        case((and_(m.shown, place_of(comments) == m.article_id), 1), else_=0),
    )
    figures = ("comments", "threads", "stored_comments", "stored_threads")
    rows = union_all(
        select(m.article_id, func.sum(approved).label("comments"), func.sum(thread).label("threads"),
               ZERO.label("stored_comments"), ZERO.label("stored_threads"))
        .where(on(m.article_id)).group_by(m.article_id),
        select(w.article_id, -w.counted, case((w.place == w.article_id, -w.listed), else_=0), ZERO, ZERO),
        select(s.article_id, ZERO, ZERO, s.comments, s.threads).where(on(s.article_id)),
    ).subquery()  # fmt: skip
    return (
        select(
            articles.c.id.label("article_id"), articles.c.site, articles.c.external_id,
            *(func.sum(rows.c[name]).label(name) for name in figures),
        )
        .join_from(articles, rows, rows.c.article_id == articles.c.id)
        .group_by(articles.c.id, articles.c.site, articles.c.external_id)
    )  # fmt: skip


def replies(on: On, after: tuple[UUID, UUID] | None = None, ids: Sequence[UUID] | None = None) -> Select[Any]:
    """A row for each comment whose number of replies differs, in order: `id`, `counted`, `stored`.

    Only those after `after` (article, comment), or only those with these `ids`.
    """
    m, w = comments.c, _waiting(on).subquery().c
    place = place_of(comments)
    listed, own, waiting = [place != m.article_id], [on(m.article_id)], [w.place != w.article_id]
    if ids is not None:
        listed, own = [*listed, place.in_(ids)], [*own, m.id.in_(ids)]
        waiting = [*waiting, w.place.in_(ids)]
    rows = union_all(
        select(m.article_id, place.label("id"), func.count().label("counted"), ZERO.label("stored"))
        .where(on(m.article_id), *listed, m.shown).group_by(m.article_id, place),
        select(w.article_id, w.place, -w.listed, ZERO).where(*waiting),
        select(m.article_id, m.id, ZERO, m.reply_count).where(*own, m.reply_count != 0),
    ).subquery()  # fmt: skip
    counted, stored = func.sum(rows.c.counted), func.sum(rows.c.stored)
    off = (
        select(rows.c.article_id, rows.c.id, counted.label("counted"), stored.label("stored"))
        .group_by(rows.c.article_id, rows.c.id)
        .having(counted != stored)
        .subquery()
    )
    return (
        select(off, articles.c.site, articles.c.external_id)
        .join(articles, articles.c.id == off.c.article_id)
        .where(past(after, off.c.article_id, off.c.id))
        .order_by(off.c.article_id, off.c.id)
    )


def _waiting(on: On) -> CompoundSelect[Any]:
    """What rows that wait for a worker will still add: `counted` and `listed`, and in which `place`."""
    e, o, m, posted = events.c, outbox.c, comments.c, literal(POSTED.counted, SmallInteger)
    return union_all(
        *(
            select(
                t.article_id,
                place_of(comments).label("place"),
                counted.label("counted"),
                listed.label("listed"),
            )
            .join_from(table, comments, and_(m.article_id == t.article_id, m.id == t.comment_id))
            .where(on(t.article_id))
            for table, t, counted, listed in (
                (events, e, e.counted, e.listed),
                (outbox, o, posted, posted),
            )
        )
    )


def past(after: Sequence[Any] | None, *columns: Any) -> ColumnElement[bool]:
    """The condition that a key is after another one."""
    if after is None:
        return true()
    at = (literal(value, column.type) for value, column in zip(after, columns, strict=True))
    return tuple_(*columns) > tuple_(*at)
