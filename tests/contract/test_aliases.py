"""Every call under another name of an article answers for the article."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from engagement.app import create_app
from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.errors import Invalid, NotFound
from engagement.hot.connection import Hot
from engagement.settings import Settings
from engagement.sites.aliases import remove_alias, set_alias
from engagement.sites.canonical import encode_segment
from engagement.sites.publishing import put_article
from engagement.sites.service import Sites
from engagement.staff.roles import SERVICE
from engagement.verify import verify
from engagement.worker.loop import Worker
from tests.staffing import headers_of
from tests.stores import SqlStore
from tests.waiting import until

A, OTHER = "/v1/demo/articles/story", "/v1/demo/articles/other"
Headers = dict[str, str]


@pytest.fixture
def hot(settings: Settings, database: Database) -> Hot:
    return Hot.from_settings(settings, StoredBallots(database))


@pytest.fixture
def alias(settings: Settings, database: Database, hot: Hot) -> None:
    """Before any process has asked for it."""
    put_article(database, hot, "demo", "story", title="The story")
    set_alias(database, hot, "demo", "story", "other")


@pytest.fixture
def story(alias: None, client: FlaskClient, reader: Headers, worker: Worker) -> tuple[Headers, str]:
    """Somebody who has reacted and commented, under the article's own name; and the comment."""
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    posted: Any = client.post(f"{A}/comments", json={"body": "one"}, headers=reader).json
    client.post(f"{A}/comments", json={"body": "an answer", "parent_id": posted["id"]}, headers=reader)
    worker.drain()
    return reader, posted["id"]


@pytest.mark.every_redis
def test_what_is_read_under_another_name_is_the_articles(
    client: FlaskClient, story: tuple[Headers, str], new_reader: Callable[..., Headers]
) -> None:
    reader, comment = story
    paths = (
        "footer", "footer?sort=top", "footer?limit=5", "reactions", "comments", "comments?sort=best",
        f"comments/{comment}", f"comments/{comment}/replies", f"me?comment={comment}",
    )  # fmt: skip
    for path in paths:
        own, other = (client.get(f"{at}/{path}", headers=reader) for at in (A, OTHER))
        assert (own.status_code, own.json) == (200, other.json), path
    assert client.get(f"{OTHER}/footer").json["article"]["id"] == "story"  # type: ignore[index]
    assert client.get(f"{OTHER}/me", headers=reader).json["mood"] == "happy"  # type: ignore[index]


@pytest.mark.every_redis
def test_what_is_done_under_another_name_is_done_on_the_article(
    client: FlaskClient, story: tuple[Headers, str], new_reader: Callable[..., Headers], worker: Worker
) -> None:
    _, comment = story
    ann = new_reader(name="Ann")
    assert client.put(f"{OTHER}/reaction", json={"mood": "sad"}, headers=ann).status_code == 200
    vote = client.put(f"{OTHER}/comments/{comment}/vote", json={"value": 1}, headers=ann)
    assert vote.json["votes"]["up"] == 1  # type: ignore[index]
    posted = client.post(f"{OTHER}/comments", json={"body": "of Ann", "parent_id": comment}, headers=ann)
    assert posted.headers["Location"].startswith(f"{A}/comments/")
    mine = f"{OTHER}/comments/{posted.json['id']}"  # type: ignore[index]
    edit = client.patch(mine, json={"body": "of Ann, again"}, headers={**ann, "If-Match": '"1"'})
    assert edit.status_code == 200, edit.text
    worker.drain()
    footer: Any = client.get(f"{A}/footer").json
    assert footer["counts"] == {"comments": 3, "reactions": 2}
    assert client.delete(mine, headers=ann).status_code == 204
    assert client.delete(f"{OTHER}/reaction", headers=ann).status_code == 200
    worker.drain()
    assert client.get(f"{A}/footer").json["counts"] == {"comments": 2, "reactions": 1}  # type: ignore[index]


def test_counts_are_keyed_by_the_names_that_were_asked_for(
    client: FlaskClient, story: tuple[Headers, str]
) -> None:
    counted = {"comments": 2, "reactions": 1, "top_mood": "happy"}
    nothing = {"comments": 0, "reactions": 0, "top_mood": None}
    asked = {"article": ["other", "story", "nobody-knows"]}
    expected = {"other": counted, "story": counted, "nobody-knows": nothing}
    for _ in range(2):
        assert client.get("/v1/demo/counts", query_string=asked).json == {"articles": expected}


def test_links_that_differ_are_one_alias(
    client: FlaskClient, database: Database, hot: Hot, app: Flask
) -> None:
    sites: Sites = app.extensions["engagement.sites"]
    put_article(database, hot, "demo", "story")
    set_alias(database, hot, "demo", "story", sites.article_of_text("https://News.example/n/7?utm_source=x"))
    for link in ("http://m.news.example:80/n/7/#top", "https://www.news.example/n/7/amp?fbclid=1"):
        footer = client.get(f"/v1/demo/articles/{encode_segment(link)}/footer")
        assert footer.json["article"]["id"] == "story"  # type: ignore[index]


def test_an_alias_holds_on_other_processes_within_about_a_second_and_so_does_its_removal(
    app: Flask, settings: Settings, database: Database, hot: Hot, reader: Headers
) -> None:
    clients = [app.test_client(), create_app(settings).test_client()]
    put_article(database, hot, "demo", "story")

    def named() -> set[str]:
        answers: list[Any] = [client.get(f"{OTHER}/footer").json for client in clients]
        return {answer["article"]["id"] for answer in answers}

    assert named() == {"other"}
    set_alias(database, hot, "demo", "story", "other")
    until(lambda: named() == {"story"}, within=5)
    remove_alias(database, hot, "demo", "other")
    until(lambda: named() == {"other"}, within=5)
    assert clients[0].put(f"{OTHER}/reaction", json={"mood": "sad"}, headers=reader).status_code == 200
    assert clients[1].get(f"{A}/reactions").json["total"] == 0  # type: ignore[index]


def test_what_a_process_writes_that_has_not_heard_of_an_alias_goes_to_the_article(
    client: FlaskClient, database: Database, hot: Hot, reader: Headers, app: Flask, worker: Worker
) -> None:
    put_article(database, hot, "demo", "story")
    sites: Sites = app.extensions["engagement.sites"]
    sites._names._next = float("inf")  # it looks no more
    client.get(f"{OTHER}/footer")
    set_alias(database, hot, "demo", "story", "other")
    assert client.put(f"{OTHER}/reaction", json={"mood": "sad"}, headers=reader).status_code == 200
    assert client.post(f"{OTHER}/comments", json={"body": "one"}, headers=reader).status_code == 201
    worker.drain()
    assert client.get(f"{A}/footer").json["counts"] == {"comments": 1, "reactions": 1}  # type: ignore[index]
    assert verify(database, hot).differences == []


def test_without_sql_an_alias_that_is_known_goes_on_working(
    client: FlaskClient,
    story: tuple[Headers, str],
    app: Flask,
    settings: Settings,
    sql_store: SqlStore,
) -> None:
    reader, _ = story
    before: Any = client.get(f"{OTHER}/footer").json
    client.put(f"{OTHER}/reaction", json={"mood": "happy"}, headers=reader)
    sql_store.take_away(settings.database_url)
    sites: Sites = app.extensions["engagement.sites"]
    sites._names._known.clear()
    assert client.get(f"{OTHER}/footer").json == before
    answer: Any = client.put(f"{OTHER}/reaction", json={"mood": "sad"}, headers=reader).json
    assert answer["reactions"]["top_mood"] == "sad"


def test_without_redis_an_alias_is_read_from_sql(
    story: tuple[Headers, str], settings: Settings, tmp_path: Path
) -> None:
    away = create_app(replace(settings, redis_url=f"unix://{tmp_path}/no.sock"))
    body: Any = away.test_client().get(f"{OTHER}/footer").json
    assert (body["article"]["id"], body["counts"]["comments"]) == ("story", 2)


@pytest.mark.parametrize("what", ["comment", "stored mood", "mood in the ledger"])
def test_a_name_with_something_of_its_own_is_no_alias(
    client: FlaskClient, database: Database, hot: Hot, reader: Headers, worker: Worker, what: str
) -> None:
    put_article(database, hot, "demo", "story")
    if what == "comment":
        client.post(f"{OTHER}/comments", json={"body": "one"}, headers=reader)
    else:
        client.put(f"{OTHER}/reaction", json={"mood": "sad"}, headers=reader)
    if what != "mood in the ledger":
        worker.drain()
    with pytest.raises(Invalid) as refused:
        set_alias(database, hot, "demo", "story", "other")
    assert "merge them instead" in str(refused.value.errors)
    assert client.get(f"{OTHER}/footer").json["article"]["id"] == "other"  # type: ignore[index]
    assert client.put(f"{OTHER}/reaction", json={"mood": "happy"}, headers=reader).status_code == 200


def test_an_articles_other_names_are_told_to_who_puts_it(
    alias: None, client: FlaskClient, database: Database, hot: Hot
) -> None:
    put_article(database, hot, "demo", "unnamed")
    set_alias(database, hot, "demo", "story", "another")
    service = headers_of(database, "demo", SERVICE)

    def names(article: str) -> Any:
        answer: Any = client.get(f"/v1/demo/admin/articles/{article}", headers=service)
        return answer.json["id"], answer.json["aliases"]

    assert names("story") == names("other") == ("story", ["other", "another"])
    assert names("unnamed") == ("unnamed", [])
    remove_alias(database, hot, "demo", "other")
    assert names("story") == ("story", ["another"])


def test_an_alias_is_set_once_and_of_one_article(
    client: FlaskClient, database: Database, hot: Hot, alias: None
) -> None:
    put_article(database, hot, "demo", "third")
    assert set_alias(database, hot, "demo", "story", "other") == "story"
    assert set_alias(database, hot, "demo", "other", "more") == "story"  # an alias names its article
    refusals = [
        ("third", "other", "a name of another article already"),
        ("third", "story", "has other names itself"),
        ("story", "story", "the article's own name"),
        ("other", "story", "the article's own name"),
    ]
    for article, other, said in refusals:
        with pytest.raises(Invalid) as refused:
            set_alias(database, hot, "demo", article, other)
        assert said in str(refused.value.errors)
    for site, article in (("demo", "not-there"), ("nowhere", "story")):
        with pytest.raises(NotFound):
            set_alias(database, hot, site, article, "another")
    with pytest.raises(NotFound):
        remove_alias(database, hot, "demo", "not-there")
    assert client.get("/v1/demo/articles/another/footer").json["article"]["id"] == "another"  # type: ignore[index]
