"""`verify` finds each kind of difference, and nothing on a live system that agrees."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import delete, update

from engagement.cli import main
from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.db.tables import article_counts, choices, comments, tallies
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, Ballot, ballot_keys
from engagement.settings import Settings
from engagement.verify import Report, Totals, verify
from engagement.worker.loop import Worker

A = "/v1/demo/articles/story"
Headers = dict[str, str]


@pytest.fixture
def hot(settings: Settings, database: Database) -> Hot:
    return Hot.from_settings(settings, StoredBallots(database))


@pytest.fixture
def story(client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker) -> None:
    """Two reactions, a comment with a vote and a reply, all flushed."""
    ann, ben = new_reader(), new_reader()
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=ann)
    client.put(f"{A}/reaction", json={"mood": "sad"}, headers=ben)
    comment: Any = client.post(f"{A}/comments", json={"body": "one"}, headers=ann).json
    client.post(f"{A}/comments", json={"body": "two", "parent_id": comment["id"]}, headers=ben)
    client.put(f"{A}/comments/{comment['id']}/vote", json={"value": 1}, headers=ben)
    assert worker.drain()


def found(database: Database, hot: Hot) -> set[str]:
    return {difference.what for difference in verify(database, hot).differences}


@pytest.mark.usefixtures("story")
def test_what_agrees_has_no_difference(database: Database, hot: Hot) -> None:
    assert verify(database, hot) == Report(Totals(ballots=2, choices=3, comments=2), differences=[])


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (update(tallies).where(tallies.c.choice == "happy").values(count=5), {"tally", "view"}),
        (delete(tallies).where(tallies.c.choice == "sad"), {"tally", "view"}),
        (delete(choices).where(choices.c.choice == "happy"), {"tally"}),
        (update(choices).where(choices.c.choice == "happy").values(choice="angry"), {"tally"}),
        (update(comments).values(up=7), {"votes"}),
        (update(article_counts).values(comments=3), {"comments"}),
        (update(article_counts).values(threads=0), {"threads"}),
        (update(comments).values(reply_count=0), {"replies"}),
        (delete(article_counts), {"comments", "threads"}),
    ],
)
def test_each_kind_of_difference_is_found(
    database: Database, hot: Hot, change: Any, expected: set[str]
) -> None:
    with database.write() as connection:
        connection.execute(change)
    assert found(database, hot) == expected


@pytest.mark.usefixtures("story")
def test_a_view_that_is_off_is_found(database: Database, hot: Hot) -> None:
    hot.client.hincrby(ballot_keys(Ballot("demo", "story", MOOD))[0], "n:happy", 1)
    (difference,) = verify(database, hot).differences
    assert difference.what == "view"
    assert difference.line() == (
        "view of demo story: counted {'happy': 1, 'sad': 1}, stored {'happy': 2, 'sad': 1}"
    )


@pytest.mark.usefixtures("story")
def test_an_sql_behind_what_redis_has_trimmed_is_found(database: Database, hot: Hot) -> None:
    ballot = Ballot("demo", "story", MOOD)
    hot.client.hset(ballot_keys(ballot)[3], ballot.name, "999-1")
    assert found(database, hot) == {"cursor"}


def test_what_is_not_flushed_yet_is_no_difference(
    client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker, database: Database, hot: Hot
) -> None:
    reader = new_reader()
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    worker.drain()
    client.put(f"{A}/reaction", json={"mood": "sad"}, headers=reader)
    client.post(f"{A}/comments", json={"body": "one"}, headers=reader)
    assert verify(database, hot).differences == []


def test_a_live_system_gives_no_false_alarm(
    client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker, database: Database, hot: Hot
) -> None:
    readers = [new_reader() for _ in range(8)]
    stop = threading.Event()

    def flush() -> None:
        while not stop.is_set():
            worker.round()

    differences = []

    def react() -> None:
        with client.application.test_client() as own:
            for n in range(200):
                mood = ("happy", "sad", "angry")[n % 3]
                own.put(f"{A}/reaction", json={"mood": mood}, headers=readers[n % 8])

    flushing, reacting = threading.Thread(target=flush), threading.Thread(target=react)
    flushing.start()
    reacting.start()
    while reacting.is_alive():
        differences += verify(database, hot).differences
    stop.set()
    flushing.join()
    assert differences == []


@pytest.mark.usefixtures("story")
def test_the_command_prints_each_difference_and_exits_with_1(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("database_url", "redis_url", "secret_key"):
        monkeypatch.setenv(f"ENGAGEMENT_{name.upper()}", getattr(settings, name))
    good = CliRunner().invoke(main, ["verify"])
    assert (good.exit_code, good.output) == (0, "2 ballots, 3 choices, 2 comments: no differences\n")
    with database.write() as connection:
        connection.execute(update(article_counts).values(comments=3))
    bad = CliRunner().invoke(main, ["verify"])
    assert bad.exit_code == 1
    assert bad.output.splitlines() == [
        "comments of demo story: counted 2, stored 3",
        "2 ballots, 3 choices, 2 comments: 1 difference",
    ]
    told = CliRunner().invoke(main, ["verify", "--json"])
    assert told.exit_code == 1
    assert json.loads(told.output)["differences"] == [
        {"what": "comments", "site": "demo", "article": "story", "subject": "", "counted": 2, "stored": 3}
    ]
