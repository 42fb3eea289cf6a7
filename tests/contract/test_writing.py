"""A reader's own comments: said once, edited for a while, taken back; what waits for a moderator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from engagement import clock
from engagement.comments.once import Draft
from engagement.comments.writing import Writing
from engagement.db.engine import Database
from engagement.db.tables import comment_revisions, comments
from engagement.hot.connection import Hot
from engagement.readers.caller import Caller
from engagement.verify import verify
from engagement.worker.loop import Worker

A = "/v1/demo/articles/story"
Headers = dict[str, str]


@pytest.fixture
def ann(new_reader: Callable[..., Headers]) -> Headers:
    return new_reader(name="Ann")


@pytest.fixture
def ben(new_reader: Callable[..., Headers]) -> Headers:
    return new_reader(name="Ben")


def post(client: FlaskClient, reader: Headers, body: str, parent: str | None = None) -> Any:
    answer = client.post(f"{A}/comments", json={"body": body, "parent_id": parent}, headers=reader)
    assert answer.status_code == 201, answer.text
    return answer.json


def as_all_see(own: dict[str, Any]) -> dict[str, Any]:
    """What others are told of a comment that its author has posted or edited."""
    return {name: told for name, told in own.items() if name not in ("body", "editable_until", "place_id")}


def edit(client: FlaskClient, who: Headers, id: str, body: str, revision: int | None = 1) -> Any:
    headers = who if revision is None else {**who, "If-Match": f'"{revision}"'}
    return client.patch(f"{A}/comments/{id}", json={"body": body}, headers=headers)


def delete(client: FlaskClient, who: Headers, id: str, **headers: str) -> int:
    return client.delete(f"{A}/comments/{id}", headers={**who, **headers}).status_code


def listed(client: FlaskClient) -> Any:
    return client.get(f"{A}/comments").json


def test_an_edit_is_shown_at_once_and_what_was_said_before_is_kept(
    client: FlaskClient, ann: Headers, database: Database
) -> None:
    posted = post(client, ann, "A tipo")
    listed(client)  # a page is kept
    edited = edit(client, ann, posted["id"], "A *typo*")
    assert edited.status_code == 200, edited.text
    assert edited.json["revision"] == 2
    assert edited.json["body_html"] == "<p>A <em>typo</em></p>"
    assert edited.json["edited_at"] is not None
    assert listed(client)["items"] == [as_all_see(edited.json)]
    with database.read() as connection:
        kept = connection.execute(select(comment_revisions)).one()
    assert (str(kept.comment_id), kept.revision, kept.body) == (posted["id"], 1, "A tipo")


def test_the_same_text_is_no_edit(client: FlaskClient, ann: Headers) -> None:
    posted = post(client, ann, "As it is")
    assert edit(client, ann, posted["id"], "As it is").json == posted


def test_an_edit_says_which_revision_it_edits(client: FlaskClient, ann: Headers) -> None:
    posted = post(client, ann, "one")
    assert edit(client, ann, posted["id"], "two", revision=None).status_code == 428
    assert edit(client, ann, posted["id"], "two").status_code == 200
    late = edit(client, ann, posted["id"], "three")
    assert (late.status_code, late.json["type"]) == (412, "urn:engagement:problem:edited")
    assert "revision 2" in late.json["detail"]
    unreadable = client.patch(
        f"{A}/comments/{posted['id']}", json={"body": "three"}, headers={**ann, "If-Match": "*"}
    )
    assert unreadable.status_code == 400
    assert listed(client)["items"][0]["body_html"] == "<p>two</p>"


def test_nobody_edits_or_deletes_what_another_has_written(
    client: FlaskClient, ann: Headers, ben: Headers
) -> None:
    posted = post(client, ann, "of Ann")
    assert edit(client, ben, posted["id"], "of Ben").status_code == 403
    assert delete(client, ben, posted["id"]) == 403
    assert listed(client)["items"] == [as_all_see(posted)]


def test_an_edit_comes_too_late_after_a_while(client: FlaskClient, ann: Headers, database: Database) -> None:
    posted = post(client, ann, "old")
    with database.write() as connection:
        connection.execute(update(comments).values(created_at=clock.now() - timedelta(seconds=901)))
    assert edit(client, ann, posted["id"], "new").status_code == 403
    assert delete(client, ann, posted["id"]) == 204


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize("body", ["", "  ", "x" * 5_001, 7, None])
def test_a_bad_edit_is_named_and_changes_nothing(client: FlaskClient, ann: Headers, body: Any) -> None:
    posted = post(client, ann, "good")
    answer = edit(client, ann, posted["id"], body)
    assert answer.status_code == 422
    assert "body" in answer.json["errors"]
    assert listed(client)["items"] == [as_all_see(posted)]


def test_the_text_as_it_was_written_is_told_to_its_author_alone(
    client: FlaskClient, ann: Headers, ben: Headers
) -> None:
    posted = post(client, ann, "A *tipo*")
    assert posted["body"] == "A *tipo*"
    edited = edit(client, ann, posted["id"], "A *typo*").json
    assert edited["body"] == "A *typo*"
    other = post(client, ben, "of Ben")
    query = f"comment={posted['id']}&comment={other['id']}"
    mine: Any = client.get(f"{A}/me?{query}", headers=ann).json
    until = edited["editable_until"]
    assert mine["own"] == {posted["id"]: {"body": "A *typo*", "revision": 2, "editable_until": until}}
    wait = datetime.fromisoformat(until) - datetime.fromisoformat(posted["created_at"])
    assert wait == timedelta(seconds=900)
    assert client.get(f"{A}/me", headers=ann).json["own"] == {}  # type: ignore[index]
    for path in ("footer", "comments", f"comments/{posted['id']}"):
        assert '"body"' not in client.get(f"{A}/{path}").text
    delete(client, ann, posted["id"])
    assert list(client.get(f"{A}/me?{query}", headers=ben).json["own"]) == [other["id"]]  # type: ignore[index]
    assert client.get(f"{A}/me?{query}", headers=ann).json["own"] == {}  # type: ignore[index]


def test_a_reply_says_where_it_is_listed(client: FlaskClient, ann: Headers) -> None:
    chain = [post(client, ann, "0")]
    for depth in range(1, 6):
        chain.append(post(client, ann, str(depth), chain[-1]["id"]))
    ids = [one["id"] for one in chain]
    assert [one["place_id"] for one in chain] == [None, *ids[:3], ids[2], ids[2]]


def test_a_deleted_comment_without_replies_is_gone_everywhere(
    client: FlaskClient, ann: Headers, worker: Worker, hot: Hot, database: Database
) -> None:
    first, second = post(client, ann, "first"), post(client, ann, "second")
    edit(client, ann, first["id"], "first, edited")
    worker.drain()
    assert client.get(f"{A}/footer").json["counts"]["comments"] == 2  # type: ignore[index]
    assert delete(client, ann, first["id"]) == 204
    assert [item["id"] for item in listed(client)["items"]] == [second["id"]]
    assert client.get(f"{A}/comments/{first['id']}").status_code == 404
    worker.drain()
    assert client.get(f"{A}/footer").json["counts"]["comments"] == 1  # type: ignore[index]
    assert listed(client)["total"] == 1
    assert verify(database, hot).differences == []
    with database.read() as connection:
        row = connection.execute(select(comments).where(comments.c.id == UUID(first["id"]))).one()
        assert (row.body, row.body_html, row.network, row.shown) == ("", "", "", False)
        assert connection.execute(select(comment_revisions)).all() == []
    assert delete(client, ann, first["id"]) == 204  # twice is once
    assert edit(client, ann, first["id"], "again", revision=3).status_code == 404


def test_a_deleted_comment_is_a_stone_as_long_as_replies_stand(
    client: FlaskClient, ann: Headers, ben: Headers, worker: Worker, hot: Hot, database: Database
) -> None:
    root = post(client, ann, "root")
    middle = post(client, ann, "middle", root["id"])
    leaf = post(client, ben, "leaf", middle["id"])
    worker.drain()
    assert delete(client, ann, root["id"]) == 204
    assert delete(client, ann, middle["id"]) == 204
    worker.drain()
    (stone,) = listed(client)["items"]
    (below,) = stone["replies"]["items"]
    assert (stone["status"], stone["author"]["name"]) == (below["status"], None) == ("removed", None)
    assert [item["id"] for item in below["replies"]["items"]] == [leaf["id"]]
    assert client.get(f"{A}/footer").json["counts"]["comments"] == 1  # type: ignore[index]
    assert verify(database, hot).differences == []
    assert delete(client, ben, leaf["id"]) == 204
    while worker.drain() and listed(client)["items"]:
        pass
    assert listed(client) == {"items": [], "next_cursor": None, "sort": "newest", "total": 0}
    assert verify(database, hot).differences == []


def test_a_deleted_comment_takes_no_replies_and_no_votes(
    client: FlaskClient, ann: Headers, ben: Headers, worker: Worker
) -> None:
    root = post(client, ann, "root")
    post(client, ben, "answer", root["id"])
    vote = f"{A}/comments/{root['id']}/vote"
    assert client.put(vote, json={"value": 1}, headers=ben).status_code == 200
    delete(client, ann, root["id"])
    assert client.put(vote, json={"value": -1}, headers=ben).status_code == 409
    answer = client.post(f"{A}/comments", json={"body": "more", "parent_id": root["id"]}, headers=ben)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["parent_id"])  # type: ignore[index]
    worker.drain()
    assert listed(client)["items"][0]["votes"] == {"up": 1, "down": 0, "score": 1}


def test_a_delete_may_say_which_revision_it_means(client: FlaskClient, ann: Headers) -> None:
    posted = post(client, ann, "one")
    assert delete(client, ann, posted["id"], **{"If-Match": '"2"'}) == 412
    assert delete(client, ann, posted["id"], **{"If-Match": '"1"'}) == 204


def test_the_same_text_twice_in_a_row_is_refused_kindly(
    client: FlaskClient, ann: Headers, ben: Headers
) -> None:
    post(client, ann, "I have thought about this.")
    again = client.post(f"{A}/comments", json={"body": " I have thought about this. "}, headers=ann)
    assert (again.status_code, again.json["type"]) == (409, "urn:engagement:problem:repeated")  # type: ignore[index]
    post(client, ben, "I have thought about this.")
    post(client, ann, "Something else.")
    post(client, ann, "I have thought about this.")
    assert len(listed(client)["items"]) == 4


def test_short_thanks_may_be_said_to_several(client: FlaskClient, ann: Headers, ben: Headers) -> None:
    roots = [post(client, ben, text)["id"] for text in ("one", "two")]
    for root in roots:
        post(client, ann, "Thank you!", root)
    again = client.post(f"{A}/comments", json={"body": "Thank you!", "parent_id": roots[1]}, headers=ann)
    assert again.status_code == 409


def test_a_preview_is_what_the_comment_will_be(client: FlaskClient, ann: Headers) -> None:
    text = "**bold** <script>x</script> https://news.example/a\n> quote"
    preview: Any = client.post("/v1/demo/preview", json={"body": text}).json
    assert preview == {"body_html": post(client, ann, text)["body_html"]}
    assert listed(client)["total"] == 1


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize("body", ["", "x" * 5_001, None, 1])
def test_a_bad_preview_is_named(client: FlaskClient, body: Any) -> None:
    answer: Any = client.post("/v1/demo/preview", json={"body": body})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["body"])


class TestPending:
    """A comment that waits for a moderator is its author's alone."""

    @pytest.fixture
    def held(self, app: Flask, client: FlaskClient, ann: Headers) -> Any:
        post(client, ann, "approved")
        writing: Writing = app.extensions["engagement.writing"]
        me: Any = client.get("/v1/demo/readers/me", headers=ann).json
        site = app.extensions["engagement.sites"].site("demo")
        caller = Caller(UUID(me["id"]), "net")
        return writing.post(site, "story", caller, Draft("waits"), held_for="plain_form")

    def test_its_author_sees_it_with_the_reason(self, client: FlaskClient, ann: Headers, held: Any) -> None:
        assert (held["status"], held["held_for"]) == ("pending", "plain_form")
        mine: Any = client.get(f"{A}/me", headers=ann).json
        assert mine["pending"] == [held]

    def test_nobody_else_does(self, client: FlaskClient, ben: Headers, held: Any, worker: Worker) -> None:
        worker.drain()
        assert client.get(f"{A}/me", headers=ben).json["pending"] == []  # type: ignore[index]
        assert client.get(f"{A}/comments/{held['id']}").status_code == 404
        assert client.get(f"{A}/comments/{held['id']}/replies").status_code == 404
        assert [item["status"] for item in listed(client)["items"]] == ["approved"]
        assert client.get(f"{A}/footer").json["counts"]["comments"] == 1  # type: ignore[index]
        answer = client.post(f"{A}/comments", json={"body": "to it", "parent_id": held["id"]}, headers=ben)
        assert answer.status_code == 422
        vote = client.put(f"{A}/comments/{held['id']}/vote", json={"value": 1}, headers=ben)
        assert vote.status_code == 409
        assert edit(client, ben, held["id"], "mine").status_code == 404
        assert delete(client, ben, held["id"]) == 404

    def test_its_author_may_edit_and_delete_it(
        self, client: FlaskClient, ann: Headers, held: Any, worker: Worker, hot: Hot, database: Database
    ) -> None:
        edited = edit(client, ann, held["id"], "waits longer")
        assert (edited.status_code, edited.json["status"]) == (200, "pending")
        assert delete(client, ann, held["id"]) == 204
        worker.drain()
        assert client.get(f"{A}/me", headers=ann).json["pending"] == []  # type: ignore[index]
        assert client.get(f"{A}/footer").json["counts"]["comments"] == 1  # type: ignore[index]
        assert verify(database, hot).differences == []
