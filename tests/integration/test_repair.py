"""`verify --repair` counts again what differs, and never writes a figure that has grown old."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import delete, func, insert, select, text, update
from structlog.testing import capture_logs

from engagement import clock
from engagement.cli import main
from engagement.db.ballots import StoredBallots, lock_cursors, sql_key
from engagement.db.engine import Database
from engagement.db.tables import (
    article_counts,
    articles,
    choices,
    comments,
    cursors,
    events,
    tallies,
)
from engagement.hot import commands
from engagement.hot.answers import Cold, Snapshot
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, VOTE, Ballot, ballot_keys
from engagement.hot.protocol import tallying
from engagement.settings import Settings
from engagement.verify import verify, views
from engagement.worker.loop import Worker
from tests.waiting import until

A = "/v1/demo/articles/story"
STORY = Ballot("demo", "story", MOOD)
Headers = dict[str, str]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing moves here but what a test moves."""
    monkeypatch.setattr(views, "LOOKS", (0.01, 0.01))


@pytest.fixture
def story(client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker) -> str:
    """Two reactions, a comment with a vote and a reply, all flushed; answers the comment's id."""
    ann, ben = new_reader(), new_reader()
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=ann)
    client.put(f"{A}/reaction", json={"mood": "sad"}, headers=ben)
    comment: Any = client.post(f"{A}/comments", json={"body": "one"}, headers=ann).json
    client.post(f"{A}/comments", json={"body": "two", "parent_id": comment["id"]}, headers=ben)
    client.put(f"{A}/comments/{comment['id']}/vote", json={"value": 1}, headers=ben)
    assert worker.drain()
    return str(comment["id"])


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize(
    ("change", "repaired"),
    [
        (update(tallies).where(tallies.c.choice == "happy").values(count=5), {"tally"}),
        (delete(tallies).where(tallies.c.kind == MOOD), {"tally"}),
        (update(choices).where(choices.c.choice == "happy").values(choice="angry"), {"tally"}),
        (delete(choices).where(choices.c.kind == VOTE), {"tally", "votes"}),
        (update(comments).values(up=7, down=2, score=5), {"votes"}),
        (update(article_counts).values(comments=3, threads=9), {"comments", "threads"}),
        (delete(article_counts), {"comments", "threads"}),
        (update(comments).values(reply_count=3), {"replies"}),
    ],
)
def test_each_kind_of_difference_in_sql_is_counted_again(
    client: FlaskClient, database: Database, hot: Hot, change: Any, repaired: set[str]
) -> None:
    assert client.get(f"{A}/footer").status_code == 200  # its parts are kept rendered now
    with database.write() as connection:
        before = figures(connection)
        connection.execute(change)
    with capture_logs() as logs:
        report = verify(database, hot, repair=True)
    assert {difference.what for difference in report.differences} == repaired
    assert all(d.repaired and d.after == d.counted for d in report.differences)
    assert report.totals.left == 0
    told = [log for log in logs if log["event"] == "a figure is repaired"]
    assert sorted((log["what"], str(log["before"]), str(log["after"])) for log in told) == sorted(
        (d.what, str(d.stored), str(d.after)) for d in report.differences
    )
    assert verify(database, hot).differences == []
    if change.table is not choices:
        with database.read() as connection:
            assert figures(connection) == before
    with database.read() as connection:
        stored = dict(
            connection.execute(
                select(tallies.c.choice, tallies.c.count).where(tallies.c.kind == MOOD, tallies.c.count > 0)
            ).all()
        )
    shown: Any = client.get(f"{A}/footer").json
    assert {m["key"]: m["count"] for m in shown["reactions"]["moods"] if m["count"]} == stored
    assert shown["counts"]["comments"] == 2
    assert shown["comments"]["items"][0]["reply_count"] == 1


def figures(connection: Any) -> list[Any]:
    """Every figure that SQL keeps beside what it counts."""
    c, n, t = comments.c, article_counts.c, tallies.c
    return [
        connection.execute(select(t.kind, t.choice, t.count).order_by(t.kind, t.choice)).all(),
        connection.execute(select(c.id, c.up, c.down, c.score, c.reply_count).order_by(c.id)).all(),
        connection.execute(select(n.comments, n.threads)).all(),
    ]


@pytest.mark.every_redis
@pytest.mark.usefixtures("story")
def test_a_view_that_is_off_is_dropped_and_built_anew(database: Database, hot: Hot) -> None:
    hot.client.hincrby(ballot_keys(STORY)[0], "n:happy", 1)
    report = verify(database, hot, repair=True)
    assert [(d.what, d.repaired) for d in report.differences] == [("view", True)]
    assert hot.play(tallying(STORY)) == {"happy": 1, "sad": 1}
    assert verify(database, hot).differences == []


@pytest.mark.every_redis
@pytest.mark.usefixtures("story")
def test_a_cursor_behind_the_floor_is_healed_as_the_protocol_does_it(
    client: FlaskClient, reader: Headers, worker: Worker, database: Database, hot: Hot
) -> None:
    with database.write() as connection:  # SQL goes back to before the flush, and Redis has trimmed
        connection.execute(delete(choices).where(choices.c.kind == MOOD))
        connection.execute(delete(tallies).where(tallies.c.kind == MOOD))
        connection.execute(update(cursors).where(cursors.c.kind == MOOD).values(number=0))
    hot.client.hset(ballot_keys(STORY)[3], STORY.name, "1-2")
    hot.client.unlink(ballot_keys(STORY)[2])
    report = verify(database, hot, repair=True)
    assert [(d.what, d.repaired, d.after) for d in report.differences] == [("cursor", True, "at the floor")]
    assert verify(database, hot).differences == []
    client.put(f"{A}/reaction", json={"mood": "angry"}, headers=reader)
    assert worker.drain()
    assert hot.play(tallying(STORY)) == {"angry": 1}
    assert verify(database, hot).differences == []


@pytest.mark.usefixtures("story")
def test_a_ledger_that_no_worker_comes_to_is_put_on_their_list(
    client: FlaskClient, reader: Headers, worker: Worker, database: Database, hot: Hot
) -> None:
    client.put(f"{A}/reaction", json={"mood": "angry"}, headers=reader)
    hot.client.zrem(ballot_keys(STORY)[4], STORY.name)
    report = verify(database, hot, repair=True)
    assert [(d.what, d.repaired) for d in report.differences] == [("idle", True)]
    assert worker.drain()
    with database.read() as connection:
        stored = connection.scalars(select(choices.c.choice).where(choices.c.kind == MOOD)).all()
    assert sorted(stored) == ["angry", "happy", "sad"]


def test_what_is_left_to_a_person_is_said_and_the_exit_code_tells(
    story: str, settings: Settings, database: Database, hot: Hot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("database_url", "redis_url", "secret_key"):
        monkeypatch.setenv(f"ENGAGEMENT_{name.upper()}", getattr(settings, name))
    with database.write() as connection:
        connection.execute(delete(comments).where(comments.c.depth == 0))
        connection.execute(update(article_counts).values(comments=0))
    hot.execute(commands.forget_view(Ballot("demo", "story", VOTE, story)))
    told = CliRunner().invoke(main, ["verify", "--repair"])
    assert told.exit_code == 1
    assert told.stdout.splitlines() == [
        "comments of demo story: counted 1, stored 0; repaired, now 1",
        "threads of demo story: counted 0, stored 1; repaired, now 0",
        f"orphan of demo story {story}: counted {{'up': 1}}, stored {{'up': 1}}; not repaired",
        f"replies of demo story {story}: counted 1, stored 0; not repaired",
        "2 ballots, 3 choices, 1 comments: 4 differences; a second look finds 2 differences",
    ]


@pytest.mark.usefixtures("story")
def test_the_command_says_what_it_repaired(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("database_url", "redis_url", "secret_key"):
        monkeypatch.setenv(f"ENGAGEMENT_{name.upper()}", getattr(settings, name))
    with database.write() as connection:
        connection.execute(update(tallies).where(tallies.c.choice == "happy").values(count=5))
    told = CliRunner().invoke(main, ["verify", "--repair"])
    assert told.exit_code == 0
    said = "tally of demo story: counted {'happy': 1, 'sad': 1}, stored {'happy': 5, 'sad': 1}"
    assert f"{said}; repaired, now {{'happy': 1, 'sad': 1}}" in told.stdout.splitlines()
    assert told.stdout.splitlines()[-1] == (
        "2 ballots, 3 choices, 2 comments: 1 difference; a second look finds no differences"
    )


@pytest.mark.usefixtures("story")
def test_no_snapshot_from_before_a_repair_builds_a_view(database: Database, hot: Hot) -> None:
    with database.write() as connection:
        connection.execute(update(tallies).where(tallies.c.choice == "happy").values(count=5))
    hot.execute(commands.forget_view(STORY))
    cold = hot.execute(commands.tally(STORY))
    assert isinstance(cold, Cold)
    old = StoredBallots(database).snapshots({STORY: cold.run})[STORY]
    assert isinstance(old, Snapshot)
    assert old.counts["happy"] == 5
    verify(database, hot, repair=True)
    assert hot.execute(commands.hydrate(STORY, old, cold.policy, 100, 100)) == "RETRY"
    assert hot.play(tallying(STORY)) == {"happy": 1, "sad": 1}


@contextmanager
def repairing(database: Database, hot: Hot) -> Iterator[None]:
    """A repair that runs beside the block, which is entered when the repair waits for a lock."""

    def waits() -> bool:
        with database.read() as connection:
            return bool(
                connection.scalar(
                    text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                         "AND wait_event_type = 'Lock'")
                )
            )  # fmt: skip

    reports: list[Any] = []
    thread = threading.Thread(target=lambda: reports.append(verify(database, hot, repair=True)))
    thread.start()
    until(waits)
    yield
    thread.join(20)
    assert reports[0].totals.left == 0


@pytest.mark.postgresql_only("SQLite has one writer at a time")
@pytest.mark.usefixtures("story")
def test_a_repair_waits_for_a_flush_that_is_half_way_and_counts_what_it_brings(
    database: Database, hot: Hot
) -> None:
    hot.client.flushall()  # nothing to see to in Redis
    with database.write() as connection:
        connection.execute(update(tallies).where(tallies.c.choice == "sad").values(count=5))
        article_id = connection.scalar(select(articles.c.id).where(articles.c.external_id == "story"))
    assert article_id is not None
    key = sql_key(article_id, STORY)
    with database.write() as flush:
        lock_cursors(flush, [key])
        flush.execute(
            insert(choices).values(
                article_id=key[0], kind=key[1], subject_id=key[2], reader_id=UUID(int=1), choice="sad",
                chosen_at=clock.now(), network="network",
            )
        )  # fmt: skip
        flush.execute(update(tallies).where(tallies.c.choice == "sad").values(count=tallies.c.count + 1))
        with repairing(database, hot):
            flush.commit()
    with database.read() as connection:
        assert dict(
            connection.execute(select(tallies.c.choice, tallies.c.count).where(tallies.c.kind == MOOD)).all()
        ) == {"happy": 1, "sad": 2}


@pytest.mark.postgresql_only("SQLite has one writer at a time")
@pytest.mark.parametrize(
    "change", [update(article_counts).values(comments=7, threads=7), update(comments).values(reply_count=7)]
)
def test_a_repair_waits_for_a_delivery_that_is_half_way_and_counts_what_it_brings(
    client: FlaskClient, reader: Headers, story: str, database: Database, hot: Hot, change: Any
) -> None:
    client.post(f"{A}/comments", json={"body": "three", "parent_id": story}, headers=reader)
    hot.client.flushall()
    with database.write() as connection:
        connection.execute(change)
    with database.write() as delivery:
        delivery.execute(update(article_counts).values(comments=article_counts.c.comments + 1))
        delivery.execute(
            update(comments)
            .where(comments.c.id == UUID(story))
            .values(reply_count=comments.c.reply_count + 1)
        )
        delivery.execute(delete(events))
        with repairing(database, hot):
            delivery.commit()
    with database.read() as connection:
        assert connection.execute(select(article_counts.c.comments, article_counts.c.threads)).one() == (3, 1)
        assert connection.scalar(select(func.sum(comments.c.reply_count))) == 2
