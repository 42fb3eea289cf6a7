"""Feeds of an article and of a site, as a feed reader reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import feedparser
import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, insert

from engagement import clock
from engagement.comments import newest
from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.db.tables import sites
from engagement.hot.connection import Hot
from engagement.settings import Settings
from engagement.sites.publishing import put_article
from tests.stores import SqlStore

A = "/v1/demo/articles/story"
SITE = "/v1/demo/feed.atom"
Headers = dict[str, str]


@pytest.fixture
def say(client: FlaskClient, new_reader: Callable[..., Headers]) -> Callable[..., str]:
    """Post a comment by somebody new; answers its id."""

    def say(
        body: str,
        parent: str | None = None,
        name: str | None = None,
        article: str = "story",
        site: str = "demo",
    ) -> str:
        path = f"/v1/{site}/articles/{article}/comments"
        answer = client.post(path, json={"body": body, "parent_id": parent}, headers=new_reader(site, name))
        assert answer.status_code == 201, answer.text
        return str(answer.json["id"])  # type: ignore[index]

    return say


def read(client: FlaskClient, path: str) -> Any:
    """The feed as `feedparser` has it, without complaint."""
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "application/atom+xml")
    parsed = feedparser.parse(answer.data, sanitize_html=False)
    assert not parsed.bozo, parsed.bozo_exception
    assert parsed.version == "atom10"
    return parsed


@pytest.mark.parametrize("path", [f"{A}/feed.atom", SITE])
def test_a_feed_of_nothing_is_a_feed_that_stays_the_same(client: FlaskClient, path: str) -> None:
    feed = read(client, path)
    assert feed.entries == []
    assert feed.feed.id.startswith("urn:uuid:")
    assert feed.feed.updated == "1970-01-01T00:00:00.000Z"
    etag = client.get(path).headers["ETag"]
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 304


def test_a_feed_has_the_newest_comments_first_with_all_that_atom_asks(
    client: FlaskClient, say: Callable[..., str], settings: Settings, database: Database
) -> None:
    first = say("**one** & <b>two</b>", name="Ann & <Bea>")
    hot = Hot.from_settings(settings, StoredBallots(database))
    put_article(database, hot, "demo", "story", title="Night & train", url="https://news.example/story")
    second = say("three", parent=first)
    for path in (f"{A}/feed.atom", SITE):
        feed = read(client, path)
        answer, entry = feed.entries
        assert [answer.id, entry.id] == [f"urn:uuid:{second}", f"urn:uuid:{first}"]
        assert entry.author == "Ann & <Bea>"
        assert answer.author == "Anonymous"
        assert entry.title == "Ann & <Bea>: Night & train"
        (content,) = entry.content
        assert content.type == "text/html"
        assert content.value == "<p><strong>one</strong> &amp; &lt;b&gt;two&lt;/b&gt;</p>"
        assert entry.link == f"http://localhost/discussions/demo/story/comments/{first}"
        assert client.get(entry.link.removeprefix("http://localhost")).status_code == 200
        assert feed.feed.updated == answer.updated == answer.published
        own = {link.rel: link.href for link in feed.feed.links}
        assert own["self"] == f"http://localhost{path}"
        assert f'ref="urn:uuid:{first}"' in client.get(path).text
    article, site = read(client, f"{A}/feed.atom").feed, read(client, SITE).feed
    assert article.title == "Comments: Night & train"
    assert article.link == "http://localhost/discussions/demo/story"
    assert site.link == "https://news.example"
    assert article.id != site.id


def test_an_edit_updates_its_entry_and_a_removal_takes_it_out(
    client: FlaskClient, say: Callable[..., str], reader: Headers
) -> None:
    mine: Any = client.post(f"{A}/comments", json={"body": "before"}, headers=reader).json
    say("an answer", parent=mine["id"])
    own = f"{A}/comments/{mine['id']}"
    client.patch(own, json={"body": "after"}, headers=reader | {"If-Match": '"1"'})
    feed = read(client, SITE)
    entry = feed.entries[1]
    assert entry.content[0].value == "<p>after</p>"
    assert entry.updated > entry.published
    assert feed.feed.updated == entry.updated
    client.delete(own, headers=reader)
    for path in (f"{A}/feed.atom", SITE):
        assert [each.content[0].value for each in read(client, path).entries] == ["<p>an answer</p>"]


def test_a_feed_has_fifty_entries_at_most_and_only_those_of_its_site(
    client: FlaskClient, say: Callable[..., str], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newest, "WINDOWS", (3, 10, 100))
    with database.write() as connection:
        connection.execute(delete(sites).where(sites.c.key == "other"))
        connection.execute(
            insert(sites).values(
                key="other", name="Other", origins=[], articles="open", created_at=clock.now()
            )
        )
    for n in range(52):
        say(f"comment {n}", article=f"story-{n % 3}")
        if n >= 40:
            say(f"elsewhere {n}", site="other")
    feed = read(client, SITE)
    said = [each.content[0].value for each in feed.entries]
    assert said == [f"<p>comment {n}</p>" for n in range(51, 1, -1)]
    assert len(read(client, "/v1/other/feed.atom").entries) == 12
    assert len(read(client, "/v1/demo/articles/story-0/feed.atom").entries) == 18


def test_a_feed_without_sql_is_a_503(settings: Settings, sql_store: SqlStore, client: FlaskClient) -> None:
    client.get(SITE)
    sql_store.take_away(settings.database_url)
    answer = client.get(SITE)
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
