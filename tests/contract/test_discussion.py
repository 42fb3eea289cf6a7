"""The pages of a discussion: what their form takes, once, and what it says of everything else."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from sqlalchemy import func, select

from engagement import clock
from engagement.app import create_app
from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.db.tables import comments, readers
from engagement.discussion.forms import MAX_AGE
from engagement.hot.connection import Hot
from engagement.settings import Settings
from engagement.sites.publishing import put_article
from engagement.worker.loop import Worker
from tests.stores import SqlStore

A = "/v1/demo/articles/story"
PAGE = "/discussions/demo/story"
RECEIVED = f"{PAGE}/received"
Headers = dict[str, str]


def token(client: FlaskClient, page: str = PAGE) -> str:
    found = re.search(r'name="token" value="([^"]+)"', client.get(page).text)
    assert found
    return found[1]


def send(
    client: FlaskClient, body: str, page: str = PAGE, headers: Headers | None = None, **also: str
) -> Any:
    sent = {"token": also.get("token") or token(client, page), "name": "", "body": body} | also
    return client.post(page, data=sent, headers=headers)


def refused(answer: Any, status: int, told: str, kept: str = "") -> Any:
    """A page with the reason, the text that was sent, and a form that can be sent again."""
    assert (answer.status_code, answer.mimetype) == (status, "text/html"), answer.text
    assert told in unescape(re.sub(r"<[^>]*>", "", answer.text.partition('role="alert"')[2]))
    assert kept in unescape(answer.text)
    assert re.search(r'name="token" value="([^"]+)"', answer.text)
    return answer


def written(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(comments).order_by(comments.c.id)))


def test_what_the_form_posts_waits_for_a_moderator_and_nobody_else_sees_it(
    client: FlaskClient, database: Database
) -> None:
    answer = send(client, "From the **form**", name="Ann")
    assert (answer.status_code, answer.headers["Location"]) == (303, RECEIVED)
    assert "A moderator will look at your comment before it appears." in client.get(RECEIVED).text
    (row,) = written(database)
    assert (row.status, row.held_for, row.shown) == ("pending", "plain_form", False)
    assert row.body_html == "<p>From the <strong>form</strong></p>"
    with database.read() as connection:
        assert connection.scalar(select(readers.c.name).where(readers.c.id == row.reader_id)) == "Ann"
    for path in (PAGE, f"{A}/footer.html", f"{A}/comments", f"{A}/feed.atom", "/v1/demo/feed.atom"):
        assert "form**" not in client.get(path).text
        assert "<strong>form" not in client.get(path).text
    assert client.get(f"{PAGE}/comments/{row.id}").status_code == 404


def test_the_same_form_sent_twice_is_one_comment_of_one_reader(
    client: FlaskClient, database: Database
) -> None:
    same = token(client)
    for _ in range(2):
        assert send(client, "once", token=same).headers["Location"] == RECEIVED
    assert len(written(database)) == 1
    refused(send(client, "twice", token=same), 422, "This form was sent already", "twice")
    assert len(written(database)) == 1
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(readers)) == 1


def test_a_reply_is_bound_to_the_comment_that_it_answers(
    client: FlaskClient, database: Database, reader: Headers
) -> None:
    first: Any = client.post(f"{A}/comments", json={"body": "one"}, headers=reader).json
    page = f"{PAGE}/comments/{first['id']}"
    assert send(client, "an answer", page=page).status_code == 303
    assert str(written(database)[1].parent_id) == first["id"]
    elsewhere = token(client, page)
    refused(send(client, "stray", token=elsewhere), 400, "of another page", "stray")
    refused(send(client, "stray", page="/discussions/demo/other", token=elsewhere), 400, "of another page")
    assert len(written(database)) == 2


def test_an_expired_form_keeps_the_text_and_its_successor_is_good(
    client: FlaskClient, settings: Settings, database: Database
) -> None:
    class Earlier(TimestampSigner):
        def get_timestamp(self) -> int:
            return int(super().get_timestamp() - MAX_AGE.total_seconds() - 1)

    made = URLSafeTimedSerializer(settings.secret_key, salt="engagement.form", signer=Earlier)
    old = str(made.dumps([clock.new_id().hex, "demo", "story", None]))
    answer = refused(
        send(client, "It took me an hour", token=old), 410, "open for too long", "took me an hour"
    )
    again = re.search(r'name="token" value="([^"]+)"', answer.text)
    assert again
    assert send(client, "It took me an hour", token=again[1]).status_code == 303
    assert len(written(database)) == 1


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize("wrong", ["", "x", "é", "WyJ4Il0.aaaa.bbbb", "\0", "a" * 5_000])
def test_a_forged_form_is_refused_and_keeps_the_text(
    client: FlaskClient, database: Database, wrong: str
) -> None:
    answer = client.post(PAGE, data={"token": wrong, "body": "still & here", "name": "Ann"})
    refused(answer, 400, "can't be read", "still & here")
    assert 'value="Ann"' in answer.text
    assert written(database) == []


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize(
    ("body", "name", "told"),
    [
        ("", "", "Your comment is empty."),
        (" \n\u200b ", "", "Your comment is empty."),
        ("x" * 5_001, "", "Your comment is longer than 5000 characters."),
        ("fine", "n" * 61, "Your name is longer than 60 characters."),
        ("fine", "\u200b", "Your name is empty."),
    ],
)
def test_a_text_that_will_not_do_is_said_and_kept(
    client: FlaskClient, database: Database, body: str, name: str, told: str
) -> None:
    refused(send(client, body, name=name), 422, told, body.strip())
    assert written(database) == []
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(readers)) == 0


def test_a_closed_article_takes_no_form(client: FlaskClient, settings: Settings, database: Database) -> None:
    good = token(client)
    hot = Hot.from_settings(settings, StoredBallots(database))
    put_article(database, hot, "demo", "story", comments_open=False)
    refused(send(client, "too late", token=good), 409, "This discussion is closed", "too late")
    assert "<form" not in client.get(PAGE).text


def test_where_readers_bring_no_articles_the_form_says_so(client: FlaskClient) -> None:
    page = "/discussions/signed/story"
    refused(send(client, "first!", page=page), 403, "Readers can't bring an article into being", "first!")
    assert "<form" not in client.get("/discussions/known/story").text


def test_too_fast_is_said_with_a_time_and_the_text_is_kept(settings: Settings, database: Database) -> None:
    limited = replace(settings, ratelimit_enabled=True, ratelimit_readers="2/hour")
    client = create_app(limited).test_client()
    for n in range(2):
        assert send(client, f"comment {n}").status_code == 303
    answer = refused(send(client, "one more"), 429, "That was a little fast. Please wait about", "one more")
    assert int(answer.headers["Retry-After"]) > 0
    assert len(written(database)) == 2


def test_without_sql_the_text_is_kept_and_the_same_form_is_sent_again(
    client: FlaskClient, settings: Settings, sql_store: SqlStore
) -> None:
    good = token(client)
    sql_store.take_away(settings.database_url)
    answer = refused(send(client, "kept", token=good), 503, "send it again in a little while", "kept")
    assert good in answer.text
    shown = client.get("/discussions/demo/another")
    assert (shown.status_code, shown.mimetype) == (503, "text/html")


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
    ],
)
def test_a_form_that_another_page_sends_is_refused(
    client: FlaskClient, database: Database, headers: Headers
) -> None:
    answer = send(client, "from elsewhere", headers=headers)
    assert (answer.status_code, answer.mimetype) == (403, "text/html")
    assert "from elsewhere" not in answer.text
    assert written(database) == []


@pytest.mark.parametrize("headers", [{"Origin": "http://localhost"}, {"Sec-Fetch-Site": "same-origin"}])
def test_a_form_of_our_own_page_is_taken(client: FlaskClient, headers: Headers) -> None:
    assert send(client, "from here", headers=headers).status_code == 303


def test_a_body_that_is_far_too_large_is_a_page_too(client: FlaskClient) -> None:
    answer = send(client, "x" * 100_000)
    assert (answer.status_code, answer.mimetype) == (413, "text/html")
    assert "far too long" in answer.text


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/discussions/nowhere/story", 404),
        (f"{PAGE}?sort=worst", 422),
        (f"{PAGE}?cursor=x", 400),
        (f"{PAGE}/comments/01a20e18-ebeb-75c5-8dfa-819cf9ae26c7", 404),
        ("/discussions/demo/~!", 422),
    ],
)
def test_what_cannot_be_shown_is_said_in_a_page(client: FlaskClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert 'role="alert"' in answer.text


def test_a_link_with_a_tracker_is_a_link_all_the_same(client: FlaskClient) -> None:
    assert client.get(f"{PAGE}?fbclid=abc").status_code == 200


@pytest.mark.parametrize("path", [PAGE, RECEIVED, "/discussions/nowhere/story"])
def test_every_page_is_kept_by_nobody_and_framed_by_nobody(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Frame-Options"] == "DENY"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "script-src" not in headers["Content-Security-Policy"]
    assert "Set-Cookie" not in headers


def test_more_replies_are_on_the_page_of_their_comment(
    client: FlaskClient, new_reader: Callable[..., Headers], reader: Headers, worker: Worker
) -> None:
    first: Any = client.post(f"{A}/comments", json={"body": "one"}, headers=reader).json
    said = set()
    for n in range(5):
        sent = {"body": f"answer {n}", "parent_id": first["id"]}
        said.add(client.post(f"{A}/comments", json=sent, headers=new_reader()).json["id"])  # type: ignore[index]
    worker.drain()
    html = client.get(PAGE).text
    more = re.search(r'href="([^"]+)"[^>]*>More replies \(2\)', html)
    assert more
    shown = set(re.findall(r'id="engagement-comment-([^"]+)"', html + client.get(unescape(more[1])).text))
    assert shown == said | {first["id"]}


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe<b>", b"\xed\xa0\x80 half a surrogate", b"\xc0\xbcscript\xc0\xbe", b"nul \x00 here"]
)
def test_bytes_that_are_no_text_become_text(client: FlaskClient, database: Database, raw: bytes) -> None:
    parts = [(b"token", token(client).encode()), (b"name", raw), (b"body", raw)]
    sent = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % part for part in parts
    )
    answer = client.post(PAGE, data=sent + b"--x--\r\n", content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 303
    (row,) = written(database)
    assert row.body.encode().decode() == row.body
    assert "\0" not in row.body
    assert "<b>" not in row.body_html


@pytest.mark.parametrize(
    "sent",
    [
        {"data": "{}", "content_type": "application/json"},
        {"data": b"--x\r\nbroken", "content_type": "multipart/form-data; boundary=x"},
        {"data": {}},
    ],
)
def test_what_is_no_form_of_ours_is_refused_with_a_form(client: FlaskClient, sent: dict[str, Any]) -> None:
    refused(client.post(PAGE, **sent), 400, "can't be read")


def test_a_file_is_no_form_of_ours(client: FlaskClient) -> None:
    refused(client.post(PAGE, data={"body": (BytesIO(b"a file"), "a.txt")}), 400, "can't be read")
