"""Reads statements of reasons, with what was appealed: of one reader, and of a site as a file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from io import TextIOWrapper
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Select, and_, select

from engagement.db.engine import Database
from engagement.db.tables import appeals, articles, comments, rule_versions, statements
from engagement.errors import BadRequest, Invalid
from engagement.moderation.statements.telling import COLUMNS, RESTRICTS, to_csv, to_database, to_reader
from engagement.staff.members import Member
from engagement.staff.roles import STATEMENTS as MAY_READ

PAGE = 50
ROWS = 500
"""That are in memory at once."""
SPOOL = 1_048_576
"""Bytes that are in memory before a file is made."""
FORMATS: Final = {"csv": "text/csv", "json": "application/json"}

_s, _a, _r = statements.c, appeals.c, rule_versions.c
STATEMENTS: Final = (
    select(
        statements,
        articles.c.external_id.label("article"),
        comments.c.created_at.label("written_at"),
        _r.name.label("rule_name"),
        _a.id.label("appeal_id"), _a.state.label("appeal_state"), _a.text.label("appeal_text"),
        _a.answer.label("appeal_answer"), _a.created_at.label("appealed_at"),
        _a.decided_at.label("appeal_decided_at"),
    )
    .outerjoin(articles, articles.c.id == _s.article_id)
    .outerjoin(comments, and_(comments.c.article_id == _s.article_id, comments.c.id == _s.comment_id))
    .outerjoin(rule_versions, and_(_r.rule_id == _s.rule_id, _r.version == _s.rule_version))
    .outerjoin(appeals, _a.statement_id == _s.id)
)  # fmt: skip


class Stating:
    """What is told of statements, over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_reader(self, site: str, reader_id: UUID, cursor: str | None) -> dict[str, Any]:
        """A page of all that were ever made about the reader, newest first. Raises `BadRequest`."""
        mine = STATEMENTS.where(_s.site == site, _s.reader_id == reader_id)
        if cursor is not None:
            mine = mine.where(_s.id < id_of(cursor))
        with self._database.read() as connection:
            rows = connection.execute(mine.order_by(_s.id.desc()).limit(PAGE + 1)).all()
        more = str(rows[PAGE - 1].id) if len(rows) > PAGE else None
        return {"items": [to_reader(row) for row in rows[:PAGE]], "next_cursor": more}

    def export(
        self, member: Member, site: str, since: datetime | None, until: datetime | None, form: str
    ) -> IO[bytes]:
        """The statements that were made from one time on, and before another one, as a file to be closed.

        Raises `Forbidden`, `Invalid`, `Unavailable`.
        """
        member.require(MAY_READ, site)
        if since is not None and until is not None and since > until:
            raise Invalid(errors={"to": ["must not be before from"]})
        wanted = STATEMENTS.where(_s.site == site).order_by(_s.id)
        if since is not None:
            wanted = wanted.where(_s.created_at >= since)
        if until is not None:
            wanted = wanted.where(_s.created_at < until)
        out: Any = SpooledTemporaryFile(SPOOL)  # noqa: SIM115 - who gets it closes it
        try:
            (_write_csv if form == "csv" else _write_json)(out, self._rows(wanted))
        except BaseException:
            out.close()
            raise
        out.seek(0)
        return out  # type: ignore[no-any-return]

    def _rows(self, wanted: Select[Any]) -> Iterator[Any]:
        with self._database.read() as connection:
            yield from connection.execute(wanted, execution_options={"yield_per": ROWS})


def id_of(cursor: str) -> UUID:
    """Raises `BadRequest` for what is no cursor."""
    try:
        return UUID(cursor)
    except ValueError:
        raise BadRequest("The cursor can't be read.") from None


def _write_csv(out: IO[bytes], rows: Iterator[Any]) -> None:
    text = TextIOWrapper(out, "utf-8", newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(to_csv(row) for row in rows)
    text.flush()
    text.detach()


def _write_json(out: IO[bytes], rows: Iterator[Any]) -> None:
    out.write(b'{"statements":[')
    comma = b""
    for row in rows:
        if row.restriction in RESTRICTS:
            out.write(comma + orjson.dumps(to_database(row)))
            comma = b","
    out.write(b"]}")
