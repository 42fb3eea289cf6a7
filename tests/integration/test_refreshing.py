"""A new release renders and ranks what is there again; workers do it beside their other work."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from engagement.comments import refreshed
from engagement.comments.ranking import VOTE_KEYS
from engagement.db.engine import Database
from engagement.db.tables import comments
from engagement.hot.connection import Hot
from engagement.hot.pages import Pages
from engagement.verify import verify
from engagement.worker import refreshing
from engagement.worker.refreshing import Refreshing
from tests.filling import fill

A = "/v1/demo/articles/story"


@pytest.fixture
def pages(hot: Hot) -> Pages:
    return Pages(hot, 60)


def old(database: Database) -> None:
    """As the release before has left it."""
    with database.write() as connection:
        connection.execute(
            update(comments).values(renderer=0, body_html="as it was", best=0, controversy=0, hot=0)
        )


def keys(database: Database) -> list[Any]:
    with database.read() as connection:
        columns = [comments.c.id, comments.c.body_html, *(comments.c[name] for name in VOTE_KEYS)]
        return [tuple(row) for row in connection.execute(select(*columns).order_by(comments.c.id))]


def test_everything_is_rendered_and_ranked_anew(
    client: FlaskClient, database: Database, pages: Pages, hot: Hot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "PAGE", 30)
    fill(database, "demo", "story", 50, replies=0.4)
    fill(database, "demo", "other", 50)
    wanted = keys(database)
    old(database)
    assert "as it was" in client.get(f"{A}/comments").text
    assert "order" not in {d.what for d in verify(database, hot).differences}  # workers see to it
    first, second = Refreshing(database, pages), Refreshing(database, pages)
    while first.step() or second.step():
        pass
    assert keys(database) == wanted
    assert "as it was" not in client.get(f"{A}/comments").text
    with database.read() as connection:
        assert refreshed.is_done(connection)


def test_it_is_done_once_for_a_version(database: Database, pages: Pages) -> None:
    fill(database, "demo", "story", 3)
    while Refreshing(database, pages).step():
        pass
    old(database)
    assert not Refreshing(database, pages).step()
    assert keys(database)[0][1] == "as it was"
    later = Refreshing(database, pages, version="2.2")
    while later.step():
        pass
    assert keys(database)[0][1] == "<p>text 0</p>"


def test_an_edit_meanwhile_is_not_undone(
    client: FlaskClient,
    reader: dict[str, str],
    database: Database,
    pages: Pages,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    posted: Any = client.post(f"{A}/comments", json={"body": "before"}, headers=reader).json
    old(database)

    def edited_meanwhile(body: str) -> str:
        edit = {"json": {"body": "after"}, "headers": {**reader, "If-Match": '"1"'}}
        assert client.patch(f"{A}/comments/{posted['id']}", **edit).status_code == 200
        return f"<p>{body}</p>"

    monkeypatch.setattr(refreshing, "render", edited_meanwhile)
    Refreshing(database, pages).step()
    assert client.get(f"{A}/comments").json["items"][0]["body_html"] == "<p>after</p>"  # type: ignore[index]


def test_sort_keys_that_are_off_are_found_and_repaired(database: Database, pages: Pages, hot: Hot) -> None:
    fill(database, "demo", "story", 20)
    with database.write() as connection:
        connection.execute(update(comments).values(up=0, down=0, score=0))
    while Refreshing(database, pages).step():
        pass
    with database.write() as connection:
        connection.execute(update(comments).values(best=0.5))
    report = verify(database, hot, repair=True)
    assert {difference.what for difference in report.differences} == {"order"}
    assert len(report.differences) == 20
    assert verify(database, hot).differences == []
