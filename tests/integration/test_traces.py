"""A reader who has done everything is erased: what is left of them, anywhere."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from engagement.comments.once import Draft
from engagement.comments.writing import Writing
from engagement.db.engine import Database
from engagement.db.tables import choices, comments, metadata
from engagement.hot import bars
from engagement.hot.commands import Command
from engagement.hot.keys import SHARDS, barred_key
from engagement.readers.caller import Caller
from engagement.readers.network import NetworkHash, network_hash
from engagement.readers.network_keys import current_key
from engagement.settings import Settings
from engagement.worker.housekeeping import Housekeeping
from engagement.worker.loop import Worker
from tests.jobs_world import World
from tests.staffing import headers_of
from tests.traces import in_redis, in_sql, no_trace
from tests.waiting import until

A = "/v1/demo/articles"
ME = "/v1/demo/readers/me"
NAME, HERE, ELSEWHERE = "Zoë Marker", "198.51.100.73", "203.0.113.9"
Headers = dict[str, str]
READERS_IN_SQL = {
    "appeals.reader_id", "bans.reader_id", "bars.reader_id", "cases.reader_id", "choices.reader_id",
    "comments.reader_id", "dead_letters.reader_id", "idempotency_keys.reader_id", "job_choices.reader_id",
    "jobs.reader_id", "merged_moods.reader_id", "reader_notes.reader_id", "reader_standing.reader_id",
    "reports.reader_id", "statements.reader_id",
}  # fmt: skip
"""Every column that names a reader: what erases and what exports a reader knows each of them."""


@pytest.fixture(params=["taken", "kept"])
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    return replace(
        settings,
        ledger_keep=0.0,
        erase_choices=request.param,
        trusted_proxies=(ip_network("127.0.0.0/8"),),
        ratelimit_enabled=True,
        ratelimit_readers="1000/hour",
        ratelimit_articles="1000/hour",
        ratelimit_comments="200/hour",
        ratelimit_choices="40/hour",
    )


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    return World(settings, database)


def mint(client: FlaskClient, name: str, address: str) -> Headers:
    answer: Any = client.post("/v1/demo/readers", json={"name": name}, headers={"X-Forwarded-For": address})
    return {"Authorization": f"Bearer {answer.json['token']}", "X-Forwarded-For": address}


def post(client: FlaskClient, reader: Headers, article: str, body: str, **more: Any) -> Any:
    answer = client.post(f"{A}/{article}/comments", json={"body": body, **more}, headers=reader)
    assert answer.status_code == 201, answer.text
    return answer.json


def choose(client: FlaskClient, reader: Headers, path: str, **body: Any) -> None:
    assert client.put(f"{A}/{path}", json=body, headers=reader).status_code == 200


class Crowd:
    """Zoë, who does everything, and others beside her."""

    def __init__(self, app: Flask, client: FlaskClient, network: NetworkHash) -> None:
        """`network`: the hash of Zoë's."""
        self.network = network
        self._app = app
        self._client = client
        self.zoe = mint(client, NAME, HERE)
        self.others = [mint(client, f"Other {n}", ELSEWHERE) for n in range(4)]
        me: Any = client.get(ME, headers=self.zoe).json
        self.id = UUID(me["id"])

    def act(self) -> None:
        """Posts, edits, replies, deletes, waits, votes, reacts, reads; others do so too."""
        client, zoe, (ben, *others) = self._client, self.zoe, self.others
        once = {**zoe, "Idempotency-Key": "marker-key"}
        root = post(client, once, "story", "marker-one at first")
        edit = {"json": {"body": "marker-two since then"}, "headers": {**zoe, "If-Match": '"1"'}}
        assert client.patch(f"{A}/story/comments/{root['id']}", **edit).status_code == 200
        of_ben = post(client, ben, "story", "of Ben", parent_id=root["id"])
        post(client, zoe, "story", "marker-three, a reply", parent_id=of_ben["id"])
        gone = post(client, zoe, "other", "marker-four, taken back")
        assert client.delete(f"{A}/other/comments/{gone['id']}", headers=zoe).status_code == 204
        writing: Writing = self._app.extensions["engagement.writing"]
        site = self._app.extensions["engagement.sites"].site("demo")
        draft = Draft("marker-five, pending")
        writing.post(site, "story", Caller(self.id, self.network), draft, held_for="a test")
        for n in range(30):
            post(client, others[n % 3], "story", f"number {n}")
        for reader, value in ((zoe, 1), (ben, 1), (others[0], -1)):
            choose(client, reader, f"story/comments/{of_ben['id']}/vote", value=value)
            choose(client, reader, f"story/comments/{root['id']}/vote", value=value)
        for reader in (zoe, ben):
            for article in ("story", "other", "third"):
                choose(client, reader, f"{article}/reaction", mood="sad")
        choose(client, zoe, "third/reaction", mood="happy")
        choose(client, zoe, "fourth/reaction", mood="happy")
        assert client.delete(f"{A}/fourth/reaction", headers=zoe).status_code == 200

    def be_moderated(self, one: Headers, other: Headers) -> None:
        """Reports, is warned and noted, appeals and is answered."""
        client, zoe, reader = self._client, self.zoe, f"/v1/demo/admin/readers/{self.id}"

        def send(path: str, body: dict[str, Any], who: Headers) -> Any:
            answer = client.post(path, json=body, headers=who)
            assert answer.status_code in (200, 201), answer.text
            return answer.json

        theirs = post(client, self.others[3], "other", "of somebody else")
        send(f"{A}/other/comments/{theirs['id']}/reports", {"reason": "abuse", "note": "marker-report"}, zoe)
        mine = post(client, zoe, "other", "marker-five, refused")
        refused = {"action": "reject", "revision": 1, "reason": "abuse", "note": "marker-decision"}
        send(f"/v1/demo/admin/comments/{mine['id']}/decision", refused, one)
        send(f"{reader}/notes", {"text": "marker-note"}, one)
        send(f"{reader}/bans", {"kind": "warning", "reason": "abuse", "note": "marker-of-ban"}, one)
        told: Any = client.get(f"{ME}/statements", headers=zoe).json
        appealed = send(f"{ME}/statements/{told['items'][0]['id']}/appeal", {"text": "marker-appeal"}, zoe)
        decision = {"outcome": "refuse", "answer": "marker-answer"}
        send(f"/v1/demo/admin/appeals/{appealed['appeal']['id']}/decision", decision, other)
        client.put(f"{reader}/standing", json={"trust": "usual"}, headers=one)

    def read(self) -> None:
        """Pages are kept rendered, and walks begin."""
        for sort in ("best", "newest", "top"):
            page: Any = self._client.get(f"{A}/story/comments?sort={sort}").json
            cursor = page["next_cursor"]
            assert self._client.get(f"{A}/story/comments?sort={sort}&cursor={cursor}").status_code == 200
        assert NAME in self._client.get(f"{A}/story/footer?sort=oldest").text

    def be_limited(self) -> None:
        for n in range(60):
            answer = self._client.put(
                f"{A}/fifth/reaction", json={"mood": ("sad", "happy")[n % 2]}, headers=self.zoe
            )
            if answer.status_code == 429:
                return
        raise AssertionError("Zoë is never too fast")


def votes(database: Database) -> dict[str, int]:
    with database.read() as connection:
        row = connection.execute(select(func.sum(comments.c.up), func.sum(comments.c.down))).one()
    return {"up": row[0], "down": row[1]}


@pytest.mark.every_redis
@pytest.mark.timeout(600)
def test_of_a_reader_who_did_everything_nothing_is_left(
    app: Flask, client: FlaskClient, settings: Settings, world: World, database: Database
) -> None:
    worker = Worker(settings)
    key = current_key(database, settings.network_key_days)
    network = network_hash(ip_address(HERE), key, settings.secret_key)
    crowd = Crowd(app, client, network)
    crowd.act()
    worker.drain()
    crowd.be_moderated(headers_of(database, role="moderator"), headers_of(database, role="moderator"))
    worker.drain()
    crowd.read()
    crowd.be_limited()
    held: Any = client.get(f"{ME}/export", headers=crowd.zoe).json
    assert {item["network"] for item in held["comments"]} == {network, ""}
    assert {item["network"] for item in held["choices"]} == {network}
    words = [NAME, "Zoë", *(f"marker-{word}" for word in ("one", "two", "three", "four", "five", "key"))]
    words += [f"marker-{word}" for word in ("note", "of-ban", "appeal", "answer", "report", "decision")]
    assert in_redis(world.hot, NAME)  # in rendered pages
    assert {f"marker-{n}" for n in ("one", "two", "three", "five") if in_sql(database, f"marker-{n}")} == {
        f"marker-{n}" for n in ("one", "two", "three", "five")
    }
    worker.drain()
    articles = ("story", "other", "third", "fourth", "fifth")
    before, voted = {article: world.tally(article) for article in articles}, votes(database)
    shown: Any = client.get(f"{A}/story/comments?sort=oldest").json

    told: Any = client.delete(ME, headers=crowd.zoe).json
    job = UUID(told["job_id"])
    until(lambda: (worker.round(), not world.read(job).running)[-1], within=60)
    assert worker.drain()

    no_trace(database, world.hot, crowd.id, [*words, network, network[2:], HERE])
    after = {article: world.tally(article) for article in articles}
    if settings.erase_choices == "kept":
        assert (after, votes(database)) == (before, voted)
    else:
        assert [after[article] for article in articles] == [{"sad": 1}] * 3 + [{}, {}]
        assert votes(database) == {"up": voted["up"] - 2, "down": voted["down"]}
    with database.read() as connection:
        nobodys = connection.scalars(select(choices.c.reader_id).where(choices.c.network == "")).all()
    assert len(set(nobodys)) == len(nobodys) == (6 if settings.erase_choices == "kept" else 0)
    stones: Any = client.get(f"{A}/story/comments?sort=oldest").json
    assert [item["id"] for item in stones["items"]] == [item["id"] for item in shown["items"]]
    assert stones["items"][0]["status"] == "removed"
    for reader in crowd.others:
        document = client.get(f"{ME}/export", headers=reader).text
        assert not any(word in document for word in (*words, network, str(crowd.id)))
    for kept in in_redis(world.hot, crowd.id):
        assert kept.endswith(":barred")
    forget_bars(world, crowd.id)
    Housekeeping(database, world.hot, settings).work()
    assert in_redis(world.hot, crowd.id) == set()
    limited = in_redis(world.hot, "limits:")
    assert limited
    lives = [world.hot.execute(Command(None, (), ("PTTL", name), int)) for name in limited]
    assert all(life > 0 or life == -2 for life in lives)  # -2: gone meanwhile


def forget_bars(world: World, reader: UUID) -> None:
    """An hour later."""
    client: Any = world.hot.client
    for shard in range(SHARDS):
        if client.hexists(barred_key(shard), reader.bytes):
            client.hset(barred_key(shard), reader.bytes, f"1 {bars.NOBODY}")


def test_every_column_that_names_a_reader_is_known_to_what_erases_and_exports() -> None:
    found = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if column.name.endswith("reader_id")
    }
    assert found == READERS_IN_SQL
