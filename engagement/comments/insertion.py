"""The statements that store comments, made once: they are a part of every post.

`HOLD` locks; what comes after it sees what those had written who held the locks before. `DECIDE` says what
speaks against each comment. `AT_ONCE` also stores those that nothing speaks against. A store that holds all
for who writes, and can't write within a query, takes `LOOK`, and then `CLAIM`, `COMMENT` and `EVENT`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    Boolean,
    Executable,
    FromClause,
    Integer,
    Select,
    Table,
    Text,
    case,
    exists,
    func,
    insert,
    literal_column,
    null,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import insert as insert_unless_there
from sqlalchemy.types import TypeEngine

from engagement.comments.counting import APPROVED
from engagement.comments.ranking import VOTE_KEYS
from engagement.comments.rendering import RENDERER_VERSION
from engagement.db.prepared import PreparedForRows
from engagement.db.tables import Id, articles, bars, comments, events, idempotency_keys, readers
from engagement.db.tables.comments import CLOSED_THREAD
from engagement.readers.bars import BANNED, ERASED

TAKEN, SHUT_OUT, KEPT_OUT, SAID_BEFORE = "taken", "closed", "kept-out", "said"
NO_PARENT, SHUT = "parent", "shut"
"""What may speak against a comment, in this order."""
MAX_DEPTH = 32_767

_c = comments.c
_ANSWERABLE = (_c.status == literal_column(repr(APPROVED)), _c.shown)
NAMED: dict[str, TypeEngine[Any]] = {"id": Id(), "article": Id(), "reader": Id(), "site": readers.c.site.type}
"""What `HOLD`, `LOOK` and `READER` are given of each comment."""
GIVEN: dict[str, TypeEngine[Any]] = {
    **{name: Id() for name in ("id", "article", "reader", "parent", "under")},
    **{n: _c[n].type for n in ("status", "held_for", "shown", "body", "body_html", "network", *VOTE_KEYS)},
    **{name: events.c[name].type for name in ("event", "counted", "listed")},
    **{name: Text() for name in ("key", "digest")},
    "closed": Boolean(), "short": Boolean(), "nesting": Integer(), "now": _c.created_at.type,
}  # fmt: skip
"""What the others are given. `closed`: its article is; `short`: it may be said again elsewhere; `key` and
`digest`: of an idempotency key, or None."""


def _constant(value: Any) -> Any:
    return literal_column(repr(value))


def _hold(k: CTE, *, waits: bool) -> Select[Any]:
    """Whoever erases a reader or merges an article holds their rows exclusively: wait, or leave it out.

    Each is looked up by itself: the planner takes what is given for many rows, and would read all readers.
    """
    a, r = articles.c, readers.c
    kept: dict[str, Any] = {"read": True, "key_share": True, "skip_locked": not waits}
    article = select(a.closed_by, a.comments_open).where(a.id == k.c.article).with_for_update(**kept)
    reader = (
        select(r.name, r.avatar_url, r.badges)
        .where(r.id == k.c.reader, r.site == k.c.site)
        .with_for_update(**kept)
    )
    return _who_and_where(k, article.lateral("article"), reader.lateral("reader"), true(), true())


def _look(k: CTE) -> Select[Any]:
    """As `_hold` in a store that nobody else writes to meanwhile."""
    its_reader = (readers.c.id == k.c.reader) & (readers.c.site == k.c.site)
    return _who_and_where(k, articles, readers, articles.c.id == k.c.article, its_reader)


def _who_and_where(k: CTE, a: FromClause, r: FromClause, is_it: Any, is_they: Any) -> Select[Any]:
    told = (k.c.id, a.c.closed_by, a.c.comments_open, r.c.name, r.c.avatar_url, r.c.badges)
    return select(*told).join_from(k, a, is_it).join(r, is_they)


def _above(k: CTE) -> Select[Any]:
    """The parents that can be answered."""
    return (
        select(k.c.id, _c.depth, _c.place_id, _c.parent_id)
        .join_from(k, comments, (_c.article_id == k.c.article) & (_c.id == k.c.parent))
        .where(*_ANSWERABLE)
    )


def _held_above(k: CTE, *, waits: bool) -> Select[Any]:
    """As `_above`, and until the transaction ends they are not deleted.

    Each is looked up by itself: a plan from when there were few comments would read all of them.
    """
    parent = (
        select(_c.depth, _c.place_id, _c.parent_id)
        .where(_c.article_id == k.c.article, _c.id == k.c.parent, *_ANSWERABLE)
        .with_for_update(read=True, key_share=True, skip_locked=not waits)
        .lateral("parent")
    )
    return select(k.c.id, *parent.c).join_from(k, parent, true())


def _found(k: CTE, parents: Select[Any]) -> CTE:
    """`k`, with what speaks against each, its depth, and where it is listed if not below its parent."""
    above = parents.cte("above")
    flat = above.c.depth >= k.c.nesting
    deeper = case((above.c.depth < _constant(MAX_DEPTH), above.c.depth + _constant(1)), else_=above.c.depth)
    against = case(
        (_taken(k), _constant(TAKEN)),
        (k.c.closed, _constant(SHUT_OUT)),
        (_kept_out(k), _constant(KEPT_OUT)),
        (_said_before(k), _constant(SAID_BEFORE)),
        (k.c.parent.is_not(None) & above.c.id.is_(None), _constant(NO_PARENT)),
        (_shut(k), _constant(SHUT)),
    )
    return (
        select(
            *k.c,
            against.label("against"),
            func.coalesce(deeper, _constant(0)).label("depth"),
            case((flat, func.coalesce(above.c.place_id, above.c.parent_id))).label("place"),
        )
        .join_from(k, above, above.c.id == k.c.id, isouter=True)
        .cte("found")
    )


def _taken(k: CTE) -> Any:
    used = idempotency_keys.c
    return _there_is(k, used.reader_id == k.c.reader, used.key == k.c.key)


def _kept_out(k: CTE) -> Any:
    b = bars.c
    kinds = (_constant(ERASED), _constant(BANNED))
    stands = b.until.is_(None) | (b.until > k.c.now)
    return _there_is(k, b.reader_id == k.c.reader, b.kind.in_(kinds), stands)


def _there_is(k: CTE, *such: Any) -> Any:
    """`EXISTS`, looked up row by row: for as many rows as it expects, the planner would read whole tables."""
    one = select(_constant(1)).where(*such).limit(_constant(1)).correlate(k)
    return one.scalar_subquery().is_not(None)


def _said_before(k: CTE) -> Any:
    """Is it what the reader has said last?"""
    last = (
        select(_c.body, _c.parent_id)
        .where(_c.article_id == k.c.article, _c.reader_id == k.c.reader)
        .order_by(_c.id.desc())
        .limit(_constant(1))
        .correlate(k)
        .subquery("last")
    )
    elsewhere = (last.c.parent_id == k.c.under) | ~k.c.short
    return exists().select_from(last).where(last.c.body == k.c.body, elsewhere).correlate(k)


def _shut(k: CTE) -> Any:
    """Few articles have a closed thread: only there what is above the parent is looked through."""
    some = exists().where(_c.article_id == k.c.article, CLOSED_THREAD).correlate(k)
    up = (
        select(k.c.id, k.c.article, _c.parent_id, _c.replies_closed)
        .join_from(k, comments, (_c.article_id == k.c.article) & (_c.id == k.c.parent))
        .where(some)
        .cte("up", recursive=True)
    )
    n = comments.alias("next").c
    up = up.union_all(
        select(up.c.id, up.c.article, n.parent_id, n.replies_closed).where(
            n.article_id == up.c.article, n.id == up.c.parent_id
        )
    )
    return exists().where(up.c.id == k.c.id, up.c.replies_closed).correlate(k)


def _comment(given: CTE) -> dict[str, Any]:
    g = given.c
    return {
        "article_id": g.article, "parent_id": g.under, "place_id": g.place, "reader_id": g.reader,
        "created_at": g.now,
        **{
            name: g[name]
            for name in ("id", "depth", "status", "held_for", "shown", "body", "body_html", "network")
        },
        **{name: g[name] for name in VOTE_KEYS},
        **{name: _constant(0) for name in ("up", "down", "reply_count")},
        **{name: literal_column("false") for name in ("pinned", "featured")},
        "renderer": _constant(RENDERER_VERSION), "revision": _constant(1), "edited_at": null(),
    }  # fmt: skip


def _event(given: CTE) -> dict[str, Any]:
    g = given.c
    return {
        "article_id": g.article, "comment_id": g.id, "event": g.event, "counted": g.counted,
        "listed": g.listed, "created_at": g.now,
    }  # fmt: skip


def _key(given: CTE) -> dict[str, Any]:
    g = given.c
    return {
        "reader_id": g.reader, "key": g.key, "article_id": g.article, "comment_id": g.id,
        "digest": g.digest, "created_at": g.now,
    }  # fmt: skip


def _insert(table: Table, row: dict[str, Any]) -> Any:
    return insert(table).from_select(list(row), select(*row.values()))


def _decide(k: CTE) -> Executable:
    found = _found(k, _above(k)).c
    return select(found.id, found.against, found.depth, found.place)


def _at_once(k: CTE, *, waits: bool) -> Executable:
    """Of two that claim a key at once, one waits until the other has committed, and finds it taken."""
    found = _found(k, _held_above(k, waits=waits))
    f, key = found.c, _key(found)
    claims = select(*key.values()).where(f.against.is_(None), f.key.is_not(None)).order_by(f.reader, f.key)
    claimed = (
        insert_unless_there(idempotency_keys)
        .from_select(list(key), claims)
        .on_conflict_do_nothing()
        .returning(idempotency_keys.c.comment_id)
        .cte("claimed")
    )
    its_own = f.key.is_(None) | f.id.in_(select(claimed.c.comment_id))
    ready = select(found).where(f.against.is_(None), its_own).cte("ready")
    against = case((f.against.is_not(None), f.against), (ready.c.id.is_(None), _constant(TAKEN)))
    return (
        select(f.id, against, f.depth, f.place)
        .join_from(found, ready, ready.c.id == f.id, isouter=True)
        .add_cte(_insert(comments, _comment(ready)).cte("posted"), _insert(events, _event(ready)).cte("told"))
    )


_r = readers.c
READER = PreparedForRows(
    NAMED, lambda k: select(_r.id).join_from(k, readers, (_r.id == k.c.reader) & (_r.site == k.c.site))
)
HOLD = PreparedForRows(NAMED, lambda k: _hold(k, waits=False))
HOLD_WAITING = PreparedForRows(NAMED, lambda k: _hold(k, waits=True))
LOOK = PreparedForRows(NAMED, _look)
AT_ONCE = PreparedForRows(GIVEN, lambda k: _at_once(k, waits=False))
AT_ONCE_WAITING = PreparedForRows(GIVEN, lambda k: _at_once(k, waits=True))
DECIDE = PreparedForRows(GIVEN, _decide)
_PLACED = {**GIVEN, "depth": _c.depth.type, "place": Id()}
CLAIM = PreparedForRows(_PLACED, lambda k: _insert(idempotency_keys, _key(k)))
COMMENT = PreparedForRows(_PLACED, lambda k: _insert(comments, _comment(k)))
EVENT = PreparedForRows(_PLACED, lambda k: _insert(events, _event(k)))
