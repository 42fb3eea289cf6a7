"""The statements that store a comment, made once: they are a part of every post.

`HOLD` locks; what comes after it sees what those had written who held the locks before. `AT_ONCE` decides
whether anything speaks against the comment, and if not, inserts it with its event; a store that can't write
within a query takes `DECIDE`, `COMMENT` and `EVENT` instead.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    Insert,
    Table,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal_column,
    null,
    select,
)

from engagement.comments.counting import APPROVED
from engagement.comments.ranking import VOTE_KEYS
from engagement.comments.rendering import RENDERER_VERSION
from engagement.db.prepared import Prepared
from engagement.db.tables import Id, articles, bars, comments, events, readers
from engagement.db.tables.comments import CLOSED_THREAD
from engagement.readers.bars import BANNED, ERASED

KEPT_OUT, SAID_BEFORE, NO_PARENT, SHUT = "kept-out", "said", "parent", "shut"
"""What may speak against a comment, in this order."""
MAX_DEPTH = 32_767


def _constant(value: Any) -> Any:
    return literal_column(repr(value))


_c = comments.c
_article, _reader = bindparam("article", type_=Id), bindparam("reader", type_=Id)
_site = bindparam("site", type_=readers.c.site.type)
_parent, _under = bindparam("parent", type_=Id), bindparam("under", type_=Id)
_body, _now = bindparam("body", type_=_c.body.type), bindparam("now", type_=_c.created_at.type)

READER = Prepared(select(readers.c.id).where(readers.c.id == _reader, readers.c.site == _site))
# Whoever erases the reader or merges the article holds their rows exclusively.
HOLD = Prepared(
    select(articles.c.closed_by, articles.c.comments_open, readers.c.name)
    .where(articles.c.id == _article, readers.c.id == _reader, readers.c.site == _site)
    .with_for_update(read=True, key_share=True)
)

_last = (
    select(_c.body, _c.parent_id)
    .where(_c.article_id == _article, _c.reader_id == _reader)
    .order_by(_c.id.desc())
    .limit(_constant(1))
    .cte("last")
)
# Until the transaction ends the parent is not deleted.
_above = (
    select(_c.depth, _c.place_id, _c.parent_id)
    .where(_c.article_id == _article, _c.id == _parent, _c.status == _constant(APPROVED), _c.shown)
    .with_for_update(read=True, key_share=True)
    .cte("above")
)
_kept_out = exists().where(
    bars.c.reader_id == _reader,
    bars.c.kind.in_((_constant(ERASED), _constant(BANNED))),
    bars.c.until.is_(None) | (bars.c.until > _now),
)
_said = exists().where(
    _last.c.body == _body,
    (_last.c.parent_id == _under) | ~bindparam("short", type_=Boolean),
)
_orphan = _parent.is_not(None) & ~exists().select_from(_above)
# Few articles have a closed thread: only there what is above the parent is looked through.
_up = (
    select(_c.id, _c.parent_id, _c.replies_closed)
    .where(_c.article_id == _article, _c.id == _parent)
    .cte("up", recursive=True)
)
_next = comments.alias("next").c
_up = _up.union_all(
    select(_next.id, _next.parent_id, _next.replies_closed).where(
        _next.article_id == _article, _next.id == _up.c.parent_id
    )
)
_some_closed = exists().where(_c.article_id == _article, CLOSED_THREAD)
_shut = _parent.is_not(None) & _some_closed & exists().where(_up.c.replies_closed)
_deeper = case((_above.c.depth < _constant(MAX_DEPTH), _above.c.depth + _constant(1)), else_=_above.c.depth)
_flat = _above.c.depth >= bindparam("nesting")
_place = select(func.coalesce(_above.c.place_id, _above.c.parent_id)).where(_flat)
_found = select(
    case(
        (_kept_out, _constant(KEPT_OUT)),
        (_said, _constant(SAID_BEFORE)),
        (_orphan, _constant(NO_PARENT)),
        (_shut, _constant(SHUT)),
    ).label("against"),
    func.coalesce(select(_deeper).scalar_subquery(), _constant(0)).label("depth"),
    _place.scalar_subquery().label("place"),
).cte("found")

_ROW: dict[str, Any] = {
    "article_id": _article,
    "parent_id": _under,
    "reader_id": _reader,
    "body": _body,
    "created_at": _now,
    **{
        n: bindparam(n, type_=_c[n].type)
        for n in ("id", "status", "held_for", "shown", "body_html", "network")
    },
    **{name: bindparam(name, type_=_c[name].type) for name in VOTE_KEYS},
    **{name: _constant(0) for name in ("up", "down", "reply_count")},
    **{name: literal_column("false") for name in ("pinned", "featured")},
    "renderer": _constant(RENDERER_VERSION),
    "revision": _constant(1),
    "edited_at": null(),
}
_TOLD: dict[str, Any] = {
    "article_id": _article,
    "comment_id": bindparam("id", type_=Id),
    **{name: bindparam(name, type_=events.c[name].type) for name in ("event", "counted", "listed")},
    "created_at": _now,
}


def _unless_against(table: Table, row: dict[str, Any]) -> Insert:
    return insert(table).from_select(list(row), select(*row.values()).where(_found.c.against.is_(None)))


_decided = select(_found.c.against, _found.c.depth, _found.c.place)
_depth, _at = bindparam("depth", type_=_c.depth.type), bindparam("place", type_=Id)

DECIDE = Prepared(_decided)
COMMENT = Prepared(insert(comments).values(**_ROW, depth=_depth, place_id=_at))
EVENT = Prepared(insert(events).values(**_TOLD).inline())
AT_ONCE = Prepared(
    _decided.add_cte(
        _unless_against(comments, _ROW | {"depth": _found.c.depth, "place_id": _found.c.place}).cte("posted"),
        _unless_against(events, _TOLD).cte("told"),
    )
)
