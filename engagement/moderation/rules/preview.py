"""What a rule would have caught: among the site's newest comments of a week, in a look of bounded length."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import merge
from operator import attrgetter
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Row, Select, and_, select

from engagement import clock
from engagement.comments.counting import APPROVED, PENDING, REJECTED, SPAM
from engagement.db.engine import Database
from engagement.db.tables import articles, cases, comments
from engagement.errors import Invalid
from engagement.moderation.rules.kinds import DUPLICATE, FLOOD, SCORER, check_for
from engagement.moderation.rules.settings import checked_settings
from engagement.moderation.rules.text import Found, Text

DAYS: Final = 7
LOOKED_THROUGH: Final = 10_000
"""Comments of all sites on this store that are shown, the newest first."""
HIDDEN: Final = 2_000
"""Comments of the site in each of the other statuses, those that came into it last."""
STATUSES: Final = (PENDING, REJECTED, SPAM)
SECONDS: Final = 2.0
"""That it takes at most: a moderator waits."""
CHUNK: Final = 500
ITEMS: Final = 50
NO_SCORERS: Final = (
    "can't be previewed: a week of comments would be sent away. In shadow mode a scorer is asked about new "
    "ones, and what it would have done is noted"
)


class Previews:
    """Plays rules over what readers wrote, be it shown, held or refused."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, site: str, kind: str, settings: Any) -> dict[str, Any]:
        """How many comments the rule would have caught, and the newest of them, each with what became of it.

        `looked_at`: comments of the site; `complete`: were those all of the week? Raises `Invalid`.
        """
        faults: dict[str, list[str]] = {}
        if kind == SCORER:
            faults["kind"] = [NO_SCORERS]
        valid = checked_settings(kind, settings, faults)
        if faults:
            raise Invalid(errors=faults)
        since, until = clock.now() - timedelta(days=DAYS), time.monotonic() + SECONDS
        look, more = _Look(kind, valid), list[str]()
        newest = merge(
            self._shown(site, since, more), self._hidden(site, since, more), key=_AGE, reverse=True
        )
        for row in newest:
            if time.monotonic() > until:
                more.append("time")
                break
            look.at(row)
        return look.told() | {"complete": not more, "days": DAYS}

    def _shown(self, site: str, since: datetime, more: list[str]) -> Iterator[Row[Any]]:
        """Those that are shown, newest first; `more` is told if there may be others."""
        c, after, seen = comments.c, None, 0
        while seen < LOOKED_THROUGH:
            newest = select(c.article_id, c.id).where(c.shown).order_by(c.id.desc()).limit(CHUNK)
            newest = newest if after is None else newest.where(c.id < after)
            with self._database.read() as connection:
                names = connection.execute(newest).all()
                # Asked by their keys: a join may begin with all articles of the site.
                found = connection.execute(_rows(site, names).where(c.status == APPROVED)).all()
            for row in found:
                if row.created_at < since:
                    return
                yield row
            if len(names) < CHUNK:
                return
            seen, after = seen + len(names), names[-1].id
        more.append("shown")

    def _hidden(self, site: str, since: datetime, more: list[str]) -> Iterator[Row[Any]]:
        """Those that are not, by their cases, which are made with them."""
        c, of, names = comments.c, cases.c, list[Any]()
        for status in STATUSES:
            last = (
                select(of.article_id, of.comment_id.label("id"))
                .where(of.site == site, of.status == status, of.queued_at >= since, of.created_at >= since)
                .order_by(of.queued_at.desc(), of.comment_id.desc())
                .limit(HIDDEN + 1)
            )
            with self._database.read() as connection:
                found = connection.execute(last).all()
            names += found[:HIDDEN]
            more += [status] * (len(found) > HIDDEN)
        names.sort(key=_AGE, reverse=True)
        for start in range(0, len(names), CHUNK):
            with self._database.read() as connection:
                wanted = _rows(site, names[start : start + CHUNK]).where(c.status.in_(STATUSES))
                rows = connection.execute(wanted).all()
            yield from rows


_AGE: Final = attrgetter("id")
"""Ids are in the order of time."""


def _rows(site: str, names: Sequence[Any]) -> Select[Any]:
    c, a = comments.c, articles.c
    return (
        select(
            c.id, c.article_id, c.body, c.body_html, c.created_at, c.reader_id, c.status,
            c.held_for, a.external_id, a.title,
        )
        .join(articles, and_(a.id == c.article_id, a.site == site))
        .where(c.article_id.in_({name.article_id for name in names}), c.id.in_([name.id for name in names]))
        .order_by(c.id.desc())
    )  # fmt: skip


class _Look:
    """Counts what is caught, from the newest to the oldest."""

    def __init__(self, kind: str, settings: Mapping[str, Any]) -> None:
        self._kind, self._settings = kind, settings
        self._check = check_for(kind, settings)
        self._later: defaultdict[Any, deque[Row[Any]]] = defaultdict(deque)
        self._key = uuid4().bytes
        self._looked_at = self._caught = 0
        self._items: dict[UUID, dict[str, Any]] = {}

    def at(self, row: Row[Any]) -> None:
        self._looked_at += 1
        if self._check is not None:
            found = self._check(Text(row.body, row.body_html))
            if found:
                self._catch(row, found)
        elif self._kind == DUPLICATE:
            self._repeat(row)
        elif self._kind == FLOOD:
            self._flood(row)

    def told(self) -> dict[str, Any]:
        newest = sorted(self._items.values(), key=lambda item: item["id"], reverse=True)
        return {"looked_at": self._looked_at, "caught": self._caught, "items": newest[:ITEMS]}

    def _repeat(self, row: Row[Any]) -> None:
        """A later text is one too many if enough of before it said the same."""
        if len(row.body) < self._settings["min_length"]:
            return
        said = self._later[Text(row.body, row.body_html).digest(self._key)]
        self._settle(
            said, row, self._settings["others"], self._settings["within"], {"comment_id": str(row.id)}
        )

    def _flood(self, row: Row[Any]) -> None:
        count, seconds = self._settings["count"], self._settings["seconds"]
        # Networks are known for a while only: readers stand for them here.
        self._settle(self._later[row.reader_id], row, count, seconds, {"count": count, "seconds": seconds})

    def _settle(
        self, later: deque[Row[Any]], row: Row[Any], count: int, seconds: int, told: dict[str, Any]
    ) -> None:
        later.append(row)
        if len(later) > count:
            last = later.popleft()
            if (last.created_at - row.created_at).total_seconds() <= seconds:
                self._catch(last, [Found(told, "")])

    def _catch(self, row: Row[Any], found: list[Found]) -> None:
        self._caught += 1
        if len(self._items) < ITEMS or self._check is None:
            self._items[row.id] = {
                "id": str(row.id),
                "article": {"id": row.external_id, "title": row.title},
                "reader_id": str(row.reader_id),
                "body": row.body,
                "body_html": row.body_html,
                "created_at": clock.rfc3339(row.created_at),
                "status": row.status,
                "held_for": row.held_for,
                "found": [one.told for one in found],
            }
