"""A post that comes while its reader is being erased or its article closed waits, and then sees it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, select, text, update

from engagement.db.engine import Database
from engagement.db.tables import articles, comments, readers
from engagement.readers.bars import ERASED, put_bar
from tests.waiting import until

PLACE = "/v1/demo/articles/story/comments"
WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def erase(connection: Connection, reader: UUID) -> None:
    put_bar(connection, reader, "demo", ERASED)


def close(connection: Connection, _reader: UUID) -> None:
    connection.execute(update(articles).values(closed_by="alias"))


@pytest.mark.postgresql_only("SQLite has one writer at a time")
@pytest.mark.parametrize(("table", "change", "status"), [(readers, erase, 401), (articles, close, 409)])
def test_a_post_waits_for_who_holds_its_reader_or_article_and_sees_what_they_wrote(
    app: Flask,
    client: FlaskClient,
    new_reader: Callable[..., dict[str, str]],
    database: Database,
    table: Any,
    change: Callable[[Connection, UUID], None],
    status: int,
) -> None:
    ann = new_reader(name="Ann")
    first = client.post(PLACE, json={"body": "the first thought"}, headers=ann)
    assert first.status_code == 201, first.text

    def post() -> int:
        return app.test_client().post(PLACE, json={"body": "another thought"}, headers=ann).status_code

    def somebody_waits() -> bool:
        with database.read() as connection:
            return bool(connection.scalar(WAITING))

    with ThreadPoolExecutor(1) as pool:
        with database.write() as connection:
            connection.execute(select(table.c.id).with_for_update())
            answer = pool.submit(post)
            until(somebody_waits)
            change(connection, UUID(first.json["author"]["id"]))  # type: ignore[index]
        assert answer.result(20) == status
    with database.read() as connection:
        assert len(connection.execute(select(comments.c.id)).all()) == 1
