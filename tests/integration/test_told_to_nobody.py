"""Log lines hold ids, and neither what readers write nor who or where they are, whatever goes wrong."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask.testing import FlaskClient
from sqlalchemy import text

from engagement import logs
from engagement.app import create_app
from engagement.db.engine import Database
from engagement.errors import RedisUnavailable
from engagement.logs import chain, told
from engagement.settings import Settings
from tests.servers import Served
from tests.waiting import until

A = "/v1/demo/articles/story"
TEXT, NAME, ADDRESS = "marker-text-7319", "Marker Name 7319", "198.51.100.73"
MARKS = ("7319", ADDRESS)
REFUSING = {
    "sqlite": """
        CREATE TRIGGER refuse BEFORE {what} ON comments WHEN NEW.body LIKE '%refused%' OR {emptied}
        BEGIN SELECT RAISE(ABORT, 'marker-text-7319 is refused'); END
    """,
    "postgresql": """
        CREATE OR REPLACE FUNCTION refuse() RETURNS trigger AS $$
        BEGIN RAISE EXCEPTION 'refused: %', NEW.body USING ERRCODE = 'check_violation'; END
        $$ LANGUAGE plpgsql;
        CREATE TRIGGER refuse BEFORE INSERT ON comments FOR EACH ROW EXECUTE FUNCTION refuse()
    """,
}

BEGINS = {
    "sqlite": "IntegrityError: INSERT INTO comments in WITH ",
    "postgresql": "CheckViolation 23514: INSERT INTO idempotency_keys, INSERT INTO comments, ",
}
"""What is refused, as it begins."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(
        tmp_path / "data", tmp_path / "log", RATELIMIT_ENABLED="false", TRUSTED_PROXIES="127.0.0.0/8",
        LEDGER_KEEP="0", LOG_LEVEL="DEBUG",
    )  # fmt: skip
    yield served
    assert served.stop() == 0


def sql(served: Served, statement: str) -> None:
    with closing(sqlite3.connect(served.data / "engagement.db", timeout=30)) as connection:
        connection.execute(statement)
        connection.commit()


def send_nonsense(served: Served) -> None:
    """What gunicorn refuses itself."""
    at = urlsplit(served.url)
    for line in (f"GET /{TEXT} HTTP/9.9", f"GET / HTTP/1.1\r\nX {TEXT}: x"):
        with socket.create_connection((at.hostname, at.port or 80)) as connection:
            connection.sendall(f"{line}\r\nX-Forwarded-For: {ADDRESS}\r\n\r\n".encode())
            while connection.recv(4096):
                pass


def test_the_log_of_a_service_says_nothing_of_a_reader(served: Served) -> None:
    """Posting, editing, voting, bad input, refused statements in a request and in a job, erasing."""
    http = requests.Session()
    http.headers["X-Forwarded-For"] = ADDRESS
    minted = http.post(f"{served.url}/v1/demo/readers", json={"name": NAME}).json()
    http.headers["Authorization"] = f"Bearer {minted['token']}"
    at = served.url + A

    def post(body: str, **more: Any) -> requests.Response:
        return http.post(f"{at}/comments", json={"body": body, **more}, timeout=60)

    posted = post(TEXT).json()
    comment = f"{at}/comments/{posted['id']}"
    edited = http.patch(comment, json={"body": f"{TEXT} edited"}, headers={"If-Match": '"1"'})
    assert (edited.status_code, http.put(f"{at}/reaction", json={"mood": "sad"}).status_code) == (200, 200)
    assert http.put(f"{comment}/vote", json={"value": 1}).status_code == 200
    wrong = [
        post(TEXT * 1_000), post(TEXT, more=TEXT), post(f"{TEXT} edited"), post(TEXT, parent_id=TEXT),
        http.post(f"{at}/comments", data=f'{{"body": "{TEXT}'), http.get(f"{at}/comments?cursor={TEXT}"),
        http.put(f"{at}/reaction", json={"mood": TEXT}), http.get(f"{served.url}/nowhere"),
        http.patch(f"{served.url}/v1/demo/readers/me", json={"name": NAME * 50}),
        http.get(f"{at}/me", headers={"Authorization": f"Bearer {TEXT}"}),
    ]  # fmt: skip
    assert {answer.status_code // 100 for answer in wrong} == {4}
    send_nonsense(served)
    sql(served, REFUSING["sqlite"].format(what="INSERT", emptied="0"))
    assert post(f"{TEXT} refused").status_code == 500
    sql(served, "DROP TRIGGER refuse")
    emptied = "NEW.body = ''"
    sql(served, REFUSING["sqlite"].format(what="UPDATE OF body", emptied=emptied))
    sql(served, "UPDATE network_keys SET created_at = '2020-01-01 00:00:00.000000'")
    assert http.get(f"{served.url}/v1/demo/readers/me/export").status_code == 200
    assert http.delete(f"{served.url}/v1/demo/readers/me").status_code == 202
    until(lambda: "a job's step failed" in served.log.read_text(), within=30)
    sql(served, "DROP TRIGGER refuse")
    assert TEXT in http.get(f"{at}/footer").text
    until(lambda: TEXT not in http.get(f"{at}/footer").text, within=60)
    written = served.log.read_text()
    assert "unexpected error" in written
    assert "IntegrityError: INSERT INTO comments" in written
    for fault in ("InvalidHTTPVersion", "InvalidHeaderName"):
        assert f"Invalid request: {fault}" in written
    for mark in MARKS:
        lines = [line for line in written.splitlines() if mark in line]
        assert lines == []


@pytest.fixture
def refusing(database: Database, sql_kind: str) -> Iterator[None]:
    """The database refuses every comment, and says which."""
    with database.write() as connection:
        connection.execute(text(REFUSING[sql_kind].format(what="INSERT", emptied="0")))
    yield
    with database.write() as connection:
        of_table = " ON comments" if sql_kind == "postgresql" else ""
        connection.exec_driver_sql(f"DROP TRIGGER refuse{of_table}")


@pytest.mark.usefixtures("refusing")
@pytest.mark.parametrize("form", ["json", "console"])
def test_what_a_database_says_of_a_row_that_it_refuses_is_not_told(
    settings: Settings, capfd: pytest.CaptureFixture[str], form: str, sql_kind: str
) -> None:
    logs.configure("DEBUG", form)
    client: FlaskClient = create_app(settings).test_client()
    minted: Any = client.post("/v1/demo/readers", json={"name": NAME}).json
    reader = {"Authorization": f"Bearer {minted['token']}", "X-Forwarded-For": ADDRESS}
    refused = {"body": f"{TEXT} refused"}
    assert client.post(f"{A}/comments", json=refused, headers=reader).status_code == 500
    said = capfd.readouterr().err
    assert "unexpected error" in said
    assert BEGINS[sql_kind] in said
    assert "in store" in said or '"store"' in said  # where it was
    assert not any(mark in said for mark in MARKS)


class OfAReader(Exception):
    pass


def test_of_an_exception_its_chain_is_told_without_messages_that_are_not_ours() -> None:
    try:
        try:
            try:
                int(TEXT)
            except ValueError:
                raise OfAReader(TEXT) from None
        except OfAReader as error:
            raise RedisUnavailable from error
    except RedisUnavailable as error:
        found = chain(error)
    assert [one["exc_value"] for one in found] == [
        "RedisUnavailable: The live counts can't be reached.",
        "OfAReader",
    ]
    assert [frame["name"] for one in found for frame in one["frames"]] == [
        "test_of_an_exception_its_chain_is_told_without_messages_that_are_not_ours"
    ] * 2


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError(TEXT), "KeyError"),
        (TypeError("'NoneType' object is not iterable"), "TypeError: 'NoneType' object is not iterable"),
        (FileNotFoundError(2, "No such file"), "FileNotFoundError: [Errno 2] No such file"),
        (UnicodeDecodeError("utf-8", TEXT.encode(), 0, 1, TEXT), "UnicodeDecodeError"),
    ],
)
def test_messages_of_python_are_told_where_they_are_of_the_code(error: Exception, said: str) -> None:
    assert told(error) == said
