"""`verify` finds each kind of difference, and nothing where there is none: also while everything moves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import delete, insert, select, update

from engagement import clock
from engagement.cli import main
from engagement.db.engine import Database
from engagement.db.events import tell
from engagement.db.tables import (
    article_counts,
    articles,
    choices,
    comments,
    cursors,
    dead_letters,
    events,
    outbox,
    tallies,
)
from engagement.hot import commands
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, VOTE, Ballot, ballot_keys
from engagement.hot.protocol import choosing, tallying
from engagement.settings import Settings
from engagement.verify import Report, Totals, stored, verify, views
from engagement.worker.loop import Worker

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


def found(database: Database, hot: Hot) -> set[str]:
    return {difference.what for difference in verify(database, hot).differences}


@pytest.mark.every_redis
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
        (delete(choices).where(choices.c.choice == "up"), {"tally", "votes"}),
        (update(choices).where(choices.c.choice == "happy").values(choice="angry"), {"tally"}),
        (update(comments).values(up=7), {"votes"}),
        (update(comments).values(score=-1), {"votes"}),
        (update(article_counts).values(comments=3), {"comments"}),
        (update(article_counts).values(threads=0), {"threads"}),
        (update(comments).values(reply_count=0), {"replies"}),
        (update(comments).values(reply_count=1), {"replies"}),
        (delete(article_counts), {"comments", "threads"}),
        (update(comments).where(comments.c.depth == 1).values(status="rejected"), {"comments"}),
        (update(comments).where(comments.c.depth == 1).values(shown=False), {"replies"}),
    ],
)
def test_each_kind_of_difference_in_sql_is_found(
    database: Database, hot: Hot, change: Any, expected: set[str]
) -> None:
    with database.write() as connection:
        connection.execute(change)
    assert found(database, hot) == expected


def test_rows_whose_article_or_comment_is_gone_are_found(story: str, database: Database, hot: Hot) -> None:
    gone = UUID(int=7)
    with database.write() as connection:
        connection.execute(
            insert(tallies).values(article_id=gone, kind=MOOD, subject_id=gone, choice="sad", count=2)
        )
        connection.execute(update(tallies).where(tallies.c.kind == VOTE).values(subject_id=gone))
        connection.execute(update(choices).where(choices.c.kind == VOTE).values(subject_id=gone))
        connection.execute(delete(cursors).where(cursors.c.kind == VOTE))
        connection.execute(update(comments).values(up=0, score=0))
    hot.execute(commands.forget_view(Ballot("demo", "story", VOTE, story)))
    assert {
        (d.what, d.article, d.subject, str(d.counted), str(d.stored))
        for d in verify(database, hot).differences
        if d.what == "orphan"
    } == {
        ("orphan", str(gone), "", "{}", "{'sad': 2}"),
        ("orphan", "story", str(gone), "{'up': 1}", "{'up': 1}"),
    }


@pytest.mark.every_redis
@pytest.mark.usefixtures("story")
def test_a_view_that_is_off_is_found(database: Database, hot: Hot) -> None:
    hot.client.hincrby(ballot_keys(STORY)[0], "n:happy", 1)
    (difference,) = verify(database, hot).differences
    assert difference.what == "view"
    assert difference.line() == (
        "view of demo story: counted {'happy': 1, 'sad': 1}, stored {'happy': 2, 'sad': 1}"
    )


@pytest.mark.usefixtures("story")
def test_a_view_of_a_ballot_on_which_nobody_ever_chose_is_looked_at_too(
    client: FlaskClient, new_reader: Callable[..., Headers], database: Database, hot: Hot
) -> None:
    client.post("/v1/demo/articles/other/comments", json={"body": "one"}, headers=new_reader())
    other = Ballot("demo", "other", MOOD)
    assert hot.play(tallying(other)) == {}
    assert found(database, hot) == set()
    hot.client.hincrby(ballot_keys(other)[0], "n:happy", 1)
    assert found(database, hot) == {"view"}


@pytest.mark.usefixtures("story")
def test_an_sql_behind_what_redis_has_trimmed_is_found(database: Database, hot: Hot) -> None:
    hot.client.unlink(*ballot_keys(STORY)[:3])  # the floor is all that is left
    hot.client.hset(ballot_keys(STORY)[3], STORY.name, "999-1")
    (difference,) = verify(database, hot).differences
    assert (difference.what, difference.counted, difference.stored) == ("cursor", "999-1", "1-2")


@pytest.mark.every_redis
def test_what_redis_holds_of_articles_that_sql_does_not_know_is_found(
    client: FlaskClient, reader: Headers, story: str, database: Database, hot: Hot
) -> None:
    client.put(f"{A}/reaction", json={"mood": "angry"}, headers=reader)
    client.put(f"{A}/comments/{story}/vote", json={"value": -1}, headers=reader)
    with database.write() as connection:
        for table in (tallies, choices, cursors, outbox, comments, article_counts):
            connection.execute(delete(table))
        connection.execute(update(articles).values(external_id="another"))
    assert {(d.what, d.subject, str(d.stored)) for d in verify(database, hot).differences} == {
        ("unknown", "", "{'view': {'angry': 1, 'happy': 1, 'sad': 1}, 'entries': 3}"),
        ("unknown", story, "{'view': {'down': 1, 'up': 1}, 'entries': 2}"),
    }


@pytest.mark.usefixtures("story")
def test_a_ledger_that_no_worker_will_come_to_is_found(
    client: FlaskClient, reader: Headers, database: Database, hot: Hot
) -> None:
    client.put(f"{A}/reaction", json={"mood": "angry"}, headers=reader)
    assert found(database, hot) == set()
    hot.client.zrem(ballot_keys(STORY)[4], STORY.name)
    assert found(database, hot) == {"idle"}


def test_what_is_not_flushed_yet_is_no_difference(
    client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker, database: Database, hot: Hot
) -> None:
    reader = new_reader()
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    worker.drain()
    client.put(f"{A}/reaction", json={"mood": "sad"}, headers=reader)
    client.post(f"{A}/comments", json={"body": "one"}, headers=reader)
    assert verify(database, hot).differences == []


@pytest.mark.usefixtures("story")
def test_a_long_ledger_is_added_up_in_pieces(database: Database, hot: Hot) -> None:
    moods = ("happy", "sad", "")
    reader = UUID(int=5)
    hot.play(choosing(STORY, reader.bytes, "happy", "network"))
    hot.execute_many(
        [hot_choose(reader, moods[n % 3]) for n in range(1, 2_400)]  # more than are read at once, twice
    )
    assert found(database, hot) == set()
    hot.client.hincrby(ballot_keys(STORY)[0], "n:angry", 1)
    assert found(database, hot) == {"view"}


def hot_choose(reader: UUID, mood: str) -> Any:
    return next(choosing(STORY, reader.bytes, mood, "network"))


def test_events_that_wait_are_no_difference_whatever_they_will_do(
    story: str, worker: Worker, database: Database, hot: Hot
) -> None:
    with database.read() as connection:
        rows = connection.execute(select(comments.c.article_id, comments.c.id, comments.c.depth)).all()

    def moderate(depth: int, *decisions: str) -> None:
        """A decision changes the comment and writes its event in one transaction, as a post does."""
        for status in decisions:
            shown = status == "approved"
            by = 0 if status == "featured" else 1 if shown else -1
            with database.write() as connection:
                if by:
                    decided = update(comments).where(comments.c.depth == depth)
                    connection.execute(decided.values(status=status, shown=shown))
                for article_id, id, _ in (row for row in rows if row.depth == depth):
                    tell(connection, article_id, id, f"comment.{status}", counted=by, listed=by)
            assert verify(database, hot).differences == []

    moderate(1, "rejected", "approved", "rejected", "featured")
    assert worker.drain()
    assert verify(database, hot).differences == []
    with database.read() as connection:
        assert connection.execute(select(article_counts.c.comments, article_counts.c.threads)).one() == (1, 1)
        assert connection.scalars(select(comments.c.reply_count)).all() == [0, 0]
    moderate(1, "approved")
    moderate(0, "rejected")
    assert worker.drain()
    assert verify(database, hot).differences == []
    with database.read() as connection:  # what was rejected stands, as a stone, while a reply to it is shown
        assert connection.execute(select(article_counts.c.comments, article_counts.c.threads)).one() == (1, 1)
        assert sorted(connection.execute(select(comments.c.depth, comments.c.shown))) == [
            (0, True),
            (1, True),
        ]


def test_what_the_release_before_has_posted_is_counted_once_and_is_no_difference(
    story: str, worker: Worker, database: Database, hot: Hot
) -> None:
    with database.write() as connection:
        row = connection.execute(select(comments).where(comments.c.depth == 0)).one()._asdict()
        posted = {name: row[name] for name in row if name not in ("best", "controversy", "hot", "shown")}
        connection.execute(
            insert(comments).values(**posted | {"id": clock.new_id(), "up": 0, "score": 0, "reply_count": 0})
        )
        id = connection.scalar(select(comments.c.id).order_by(comments.c.id.desc()).limit(1))
        connection.execute(
            insert(outbox).values(
                article_id=row["article_id"], comment_id=id, event="comment.posted", created_at=clock.now()
            )
        )
    assert verify(database, hot).differences == []
    assert worker.drain()
    assert verify(database, hot).differences == []
    with database.read() as connection:
        assert connection.execute(select(article_counts.c.comments, article_counts.c.threads)).one() == (3, 2)
        assert connection.scalar(select(comments.c.hot > 0).where(comments.c.id == id))


def test_many_spans_and_many_differences_are_gone_through_once(
    client: FlaskClient,
    new_reader: Callable[..., Headers],
    worker: Worker,
    database: Database,
    hot: Hot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stored, "AT_ONCE", 2)
    monkeypatch.setattr(stored, "ARTICLES", 3)
    monkeypatch.setattr(stored, "WEIGHT", 9)
    monkeypatch.setattr(views, "AT_ONCE", 2)
    reader = new_reader()
    for n in range(5):
        article = f"/v1/demo/articles/a{n}"
        client.put(f"{article}/reaction", json={"mood": "happy"}, headers=reader)
        for _ in range(3):
            root: Any = client.post(f"{article}/comments", json={"body": "one"}, headers=reader).json
            client.put(f"{article}/comments/{root['id']}/vote", json={"value": 1}, headers=reader)
            reply = {"body": "two", "parent_id": root["id"]}
            client.post(f"{article}/comments", json=reply, headers=reader)
    assert worker.drain()
    assert verify(database, hot) == Report(Totals(ballots=20, choices=20, comments=30), differences=[])
    with database.write() as connection:
        connection.execute(update(tallies).values(count=2))
        connection.execute(update(comments).values(up=3, reply_count=4))
        connection.execute(update(article_counts).values(comments=7))
    told = [(d.what, d.article, d.subject) for d in verify(database, hot).differences]
    assert len(told) == len(set(told))
    counted = {what: sum(one[0] == what for one in told) for what, *_ in told}
    assert counted == {"comments": 5, "tally": 20, "votes": 30, "replies": 30, "view": 20}


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
    assert json.loads(told.output) == {
        "differences": [
            {"what": "comments", "site": "demo", "article": "story", "subject": "", "counted": 2, "stored": 3}
        ],
        "ballots": 2, "choices": 3, "comments": 2, "found": 1, "left": 1,
        "dead_letters": 0, "waiting": 0, "undelivered": 0, "longest_wait": 0,
    }  # fmt: skip


@pytest.mark.usefixtures("story")
def test_what_waits_for_long_and_dead_letters_are_told_and_are_no_difference(
    client: FlaskClient,
    reader: Headers,
    settings: Settings,
    database: Database,
    hot: Hot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("database_url", "redis_url", "secret_key"):
        monkeypatch.setenv(f"ENGAGEMENT_{name.upper()}", getattr(settings, name))
    client.put(f"{A}/reaction", json={"mood": "angry"}, headers=reader)
    client.post(f"{A}/comments", json={"body": "three"}, headers=reader)
    with database.write() as connection:
        connection.execute(update(events).values(created_at=clock.now() - timedelta(seconds=100)))
        connection.execute(
            insert(dead_letters).values(
                ballot=STORY.name, entry_id="1-1", reader_id=UUID(int=1), choice="sad",
                chosen_at=clock.now(), reason="no such comment",
            )
        )  # fmt: skip
    monkeypatch.setattr(views, "LONG", 0)
    told = CliRunner().invoke(main, ["verify"])
    assert told.exit_code == 0
    letters, waiting, summary = told.output.splitlines()
    assert letters == "note: dead letters: 1"
    assert re.fullmatch(
        r"note: 1 ledger entries and 1 events of comments have waited for up to 1\d\d s: "
        r"is a worker running\?",
        waiting,
    )
    assert summary == "2 ballots, 3 choices, 2 comments: no differences"
