"""All that the service holds of a reader, as one JSON document, written row by row: it may be long.

It is written into a file of the machine's, which has no name and goes with the answer: one snapshot of SQL,
which a slow client doesn't keep open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, Select, select

from engagement import clock
from engagement.db import bulk
from engagement.db.ballots import Key
from engagement.db.engine import Database
from engagement.db.tables import (
    BALLOT,
    appeals,
    articles,
    bans,
    bars,
    cases,
    choices,
    comment_revisions,
    comments,
    dead_letters,
    idempotency_keys,
    job_choices,
    jobs,
    merged_moods,
    reader_notes,
    reader_standing,
    readers,
    reports,
    statements,
)
from engagement.errors import Unauthorized
from engagement.hot.answers import Entry
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, Ballot
from engagement.readers.bars import GONE
from engagement.readers.unstored import unstored

ROWS = 500
"""That are in memory at once."""
SPOOL = 1_048_576
"""Bytes that are in memory before a file is made."""
Item = dict[str, Any]


class Exports:
    """Writes exports, over both stores."""

    def __init__(self, database: Database, hot: Hot) -> None:
        self._database = database
        self._hot = hot

    def of(self, site: str, reader_id: UUID) -> IO[bytes]:
        """The document, to be read from its beginning and closed. Raises `Unauthorized`, `Unavailable`."""
        waiting = unstored(self._hot, self._database, site, reader_id.bytes)
        out: Any = SpooledTemporaryFile(SPOOL)  # noqa: SIM115 - who gets it closes it
        try:
            with self._database.read() as connection:
                profile = _profile(connection, site, reader_id)
                newer = waiting.newer(connection)
                parts: dict[str, Iterable[Item]] = {
                    "comments": _comments(connection, reader_id),
                    "choices": _choices(connection, reader_id, newer),
                    **{name: _plain(connection, read(reader_id)) for name, read in PLAIN.items()},
                }
                head = {"site": site, "as_of": _json(waiting.as_of), "reader": profile}
                _write(out, head, parts)
        except BaseException:
            out.close()
            raise
        out.seek(0)
        return out  # type: ignore[no-any-return]


def _write(out: IO[bytes], head: Item, parts: dict[str, Iterable[Item]]) -> None:
    out.write(orjson.dumps(head)[:-1])
    for name, items in parts.items():
        out.write(b',"%s":[' % name.encode())
        comma = b""
        for item in items:
            out.write(comma + orjson.dumps(item))
            comma = b","
        out.write(b"]")
    out.write(b"}")


def _profile(connection: Connection, site: str, reader_id: UUID) -> Item:
    r = readers.c
    told = (r.id, r.name, r.created_at, r.subject, r.avatar_url, r.badges)
    row = connection.execute(select(*told).where(r.id == reader_id, r.site == site)).one_or_none()
    if row is None:
        raise Unauthorized(GONE)
    return _item(row)


def _comments(connection: Connection, reader_id: UUID) -> Iterator[Item]:
    """What they wrote, everywhere, with what it said before."""
    c = comments.c
    told = (
        c.id, c.parent_id, c.depth, c.status, c.held_for, c.body, c.body_html, c.revision, c.created_at,
        c.edited_at, c.network, c.up, c.down, c.reply_count, c.pinned, c.featured,
    )  # fmt: skip
    statement = (
        select(articles.c.external_id.label("article"), articles.c.url, c.article_id, *told)
        .join(articles, articles.c.id == c.article_id)
        .where(c.reader_id == reader_id)
        .order_by(c.article_id, c.id)
    )
    of_revision = ("article_id", "comment_id", "revision", "body", "written_at")
    for rows in _pages(connection, statement):
        keys = [(row.article_id, row.id) for row in rows]
        before: dict[Any, list[Item]] = {key: [] for key in keys}
        by = ("article_id", "comment_id")
        for row in sorted(bulk.fetch(connection, comment_revisions, by, keys, of_revision)):
            item = {"revision": row[2], "body": row[3], "written_at": _json(row[4])}
            before[row[0], row[1]].append(item)
        for row in rows:
            item = _item(row)
            del item["article_id"]
            if row.parent_id == row.article_id:
                item["parent_id"] = None
            item["votes"] = {"up": item.pop("up"), "down": item.pop("down")}
            yield item | {"revisions": before[row.article_id, row.id]}


def _choices(
    connection: Connection, reader_id: UUID, newer: dict[Key, tuple[Ballot, Entry]]
) -> Iterator[Item]:
    """What they chose: as SQL has it, but where the ledger has something newer."""
    key = [choices.c[name] for name in BALLOT]
    statement = (
        select(articles.c.external_id, *key, choices.c.choice, choices.c.chosen_at, choices.c.network)
        .join(articles, articles.c.id == choices.c.article_id)
        .where(choices.c.reader_id == reader_id)
    )
    for rows in _pages(connection, statement):
        for row in rows:
            if (row.article_id, row.kind, row.subject_id) not in newer:
                subject = None if row.kind == MOOD else row.subject_id
                yield _choice(row.external_id, row.kind, subject, row.choice, row.chosen_at, row.network)
    for ballot, entry in newer.values():
        if entry.new:
            at = datetime.fromtimestamp(entry.time / 1_000, UTC)
            subject = None if ballot.kind == MOOD else UUID(ballot.subject)
            yield _choice(ballot.article, ballot.kind, subject, entry.new, at, entry.network)


def _choice(
    article: str, kind: str, comment: UUID | None, choice: str, chosen_at: datetime, network: str
) -> Item:
    return {
        "article": article,
        "kind": kind,
        "comment_id": _json(comment),
        "choice": choice,
        "chosen_at": _json(chosen_at),
        "network": network,
    }


def _posted_once(reader_id: UUID) -> Select[Any]:
    k = idempotency_keys.c
    return select(k.key, k.comment_id, k.created_at).where(k.reader_id == reader_id)


def _jobs(reader_id: UUID) -> Select[Any]:
    j = jobs.c
    return select(j.id, j.kind, j.state, j.created_at, j.changed_at).where(j.reader_id == reader_id)


def _bars(reader_id: UUID) -> Select[Any]:
    return select(bars.c.kind, bars.c.since, bars.c.until).where(bars.c.reader_id == reader_id)


def _taken(reader_id: UUID) -> Select[Any]:
    t = job_choices.c
    columns = (t.job_id, t.kind, t.subject_id, t.choice, t.network)
    return (
        select(articles.c.external_id.label("article"), *columns)
        .join(articles, articles.c.id == t.article_id)
        .where(t.reader_id == reader_id)
    )


def _moved(reader_id: UUID) -> Select[Any]:
    m = merged_moods.c
    return select(m.job_id, m.choice, m.given).where(m.reader_id == reader_id)


def _refused(reader_id: UUID) -> Select[Any]:
    d = dead_letters.c
    return select(d.ballot, d.choice, d.chosen_at, d.reason).where(d.reader_id == reader_id)


def _cases(reader_id: UUID) -> Select[Any]:
    c = cases.c
    told = (c.comment_id, c.status, c.reason, c.reports, c.score, c.queued_at)
    return select(*told).where(c.reader_id == reader_id)


def _bans(reader_id: UUID) -> Select[Any]:
    b = bans.c
    told = (b.id, b.kind, b.reason, b.note, b.since, b.until, b.takes_choices, b.network, b.lifted_at)
    return select(*told).where(b.reader_id == reader_id)


def _statements(reader_id: UUID) -> Select[Any]:
    s = statements.c
    told = (
        s.id, s.comment_id, s.restriction, s.reason, s.facts, s.ground, s.ground_reference,
        s.automated_detection, s.automated_decision, s.created_at, s.ends_at, s.withdrawn_at,
    )  # fmt: skip
    return select(*told).where(s.reader_id == reader_id)


def _appeals(reader_id: UUID) -> Select[Any]:
    a = appeals.c
    told = (a.statement_id, a.text, a.state, a.created_at, a.decided_at, a.answer)
    return select(*told).where(a.reader_id == reader_id)


def _reports(reader_id: UUID) -> Select[Any]:
    r = reports.c
    told = (r.comment_id, r.reason, r.note, r.weight, r.state, r.created_at, r.decided_at)
    return select(*told).where(r.reader_id == reader_id)


def _notes(reader_id: UUID) -> Select[Any]:
    n = reader_notes.c
    return select(n.text, n.created_at).where(n.reader_id == reader_id)


def _standing(reader_id: UUID) -> Select[Any]:
    s = reader_standing.c
    return select(s.trust, s.reports_right, s.reports_wrong).where(s.reader_id == reader_id)


PLAIN: dict[str, Callable[[UUID], Select[Any]]] = {
    "idempotency_keys": _posted_once,
    "bars": _bars,
    "jobs": _jobs,
    "taken_choices": _taken,
    "moved_moods": _moved,
    "refused_choices": _refused,
    "cases": _cases,
    "bans": _bans,
    "statements": _statements,
    "appeals": _appeals,
    "reports": _reports,
    "notes": _notes,
    "standing": _standing,
}
"""What is told as it stands in its table."""


def _plain(connection: Connection, statement: Select[Any]) -> Iterator[Item]:
    for rows in _pages(connection, statement):
        yield from map(_item, rows)


def _pages(connection: Connection, statement: Select[Any]) -> Iterator[Any]:
    """The rows, `ROWS` at a time; the store keeps the place."""
    yield from connection.execute(statement, execution_options={"yield_per": ROWS}).partitions()


def _item(row: Any) -> Item:
    return {str(name): _json(value) for name, value in row._asdict().items()}  # of a type of its own


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.rfc3339(value)
    return str(value) if isinstance(value, UUID) else value
