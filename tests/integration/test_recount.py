"""`engagement recount` shows an article's figures side by side, and says whether they agree."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from sqlalchemy import text, update

from engagement.cli import main
from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.db.tables import comments, tallies
from engagement.hot import commands
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, VOTE, Ballot, ballot_keys
from engagement.settings import Settings
from engagement.verify import views
from engagement.worker.loop import Worker

A = "/v1/demo/articles/story"
STORY = Ballot("demo", "story", MOOD)
Headers = dict[str, str]
Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in ("database_url", "redis_url", "secret_key"):
        monkeypatch.setenv(f"ENGAGEMENT_{name.upper()}", getattr(settings, name))
    monkeypatch.setattr(views, "LOOKS", (0.01,))
    return lambda *words: CliRunner().invoke(main, ["recount", *words])


@pytest.fixture
def comment(client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker) -> str:
    """Three moods and a vote are stored; of them one mood was moved and one vote turned since."""
    ann, ben, eve = new_reader(), new_reader(), new_reader()
    for reader, mood in ((ann, "happy"), (ben, "happy"), (eve, "sad")):
        client.put(f"{A}/reaction", json={"mood": mood}, headers=reader)
    posted: Any = client.post(f"{A}/comments", json={"body": "one"}, headers=ann).json
    client.post(f"{A}/comments", json={"body": "two"}, headers=ben)
    client.put(f"{A}/comments/{posted['id']}/vote", json={"value": 1}, headers=ben)
    assert worker.drain()
    client.put(f"{A}/reaction", json={"mood": "angry"}, headers=ann)
    client.put(f"{A}/comments/{posted['id']}/vote", json={"value": -1}, headers=ben)
    return str(posted["id"])


@pytest.mark.usefixtures("comment")
def test_the_tally_is_the_sum_of_stored_choices_with_the_ledger_apart(run: Run) -> None:
    told = run("story", "--site", "demo")
    assert told.exit_code == 0
    assert told.output.splitlines() == [
        "Moods of story, site demo",
        "            stored choices   in the ledger        together   view in Redis    stored tally",
        "happy                    2              -1               1               1               2",
        "sad                      1              +0               1               1               1",
        "angry                    0              +1               1               1               0",
        "dont_care                0              +0               0               0               0",
        "inspired                 0              +0               0               0               0",
        "afraid                   0              +0               0               0               0",
        "amused                   0              +0               0               0               0",
        "annoyed                  0              +0               0               0               0",
        "total                    3              +0               3               3               3",
        "Ledger entries after the cursor 1-3: 1. (An id is generation-number; the newest generation of shard "
        f"{STORY.shard} is 1.)",
        "Agrees.",
        "",
        "Votes on its comments (2)",
        "            stored choices   in the ledger        together    stored tally       sorted by",
        "up                       1              -1               0               1               1",
        "down                     0              +1               1               0               0",
        "total                    1              +0               1               1               1",
        "Ledger entries after the cursors: 1. Comments with a view in Redis: 1.",
        "Agrees.",
    ]


def test_each_comment_has_a_line_where_that_is_asked_for(run: Run, comment: str) -> None:
    lines = run("story", "--site", "demo", "--comments").output.splitlines()
    figures = {line.split()[0]: line.split()[1:] for line in lines if line[:36].count("-") == 4}
    assert figures.pop(comment) == ["1/0", "-1/+1", "0/1", "0/1", "1/0", "1/0"]
    assert list(figures.values()) == [["0/0", "+0/+0", "0/0", "-", "0/0", "0/0"]]


@pytest.mark.every_redis
def test_a_program_gets_the_same_figures(run: Run, comment: str) -> None:
    told = run("story", "--site", "demo", "--comments", "--json")
    body = json.loads(told.output)
    assert body["moods"] == {
        "cursor": "1-3", "choices": {"happy": 2, "sad": 1}, "ledger": {"angry": 1, "happy": -1}, "entries": 1,
        "together": {"angry": 1, "happy": 1, "sad": 1}, "view": {"angry": 1, "happy": 1, "sad": 1},
        "stored": {"happy": 2, "sad": 1}, "faults": [],
    }  # fmt: skip
    assert body["votes"] == {
        "comments": 2, "views": 1, "choices": {"up": 1}, "ledger": {"down": 1, "up": -1}, "entries": 1,
        "together": {"down": 1}, "stored": {"up": 1}, "sorted_by": [1, 0, 1], "off": 0,
    }  # fmt: skip
    assert body["comments"][0]["comment"] == comment
    assert (body["site"], body["article"], body["generation"], body["agrees"]) == ("demo", "story", 1, True)
    short = json.loads(run("story", "--site", "demo", "--json").output)
    assert short == {name: value for name, value in body.items() if name != "comments"}


def test_what_does_not_agree_is_said_plainly_and_nothing_is_changed(
    run: Run, comment: str, database: Database, settings: Settings
) -> None:
    hot = Hot.from_settings(settings, StoredBallots(database))
    with database.write() as connection:
        connection.execute(update(tallies).where(tallies.c.choice == "sad").values(count=5))
        connection.execute(update(comments).values(up=7))
    hot.client.hincrby(ballot_keys(Ballot("demo", "story", VOTE, comment))[0], "n:up", 3)
    told = [run("story", "--site", "demo", "--comments") for _ in range(2)]
    assert {one.exit_code for one in told} == {1}
    assert told[0].output == told[1].output
    lines = told[0].output.splitlines()
    assert "DOES NOT AGREE: the stored tally is not the number of stored choices." in lines
    assert "DOES NOT AGREE: 2 of the comments; --comments shows which and how." in lines
    (line,) = (line for line in lines if line.startswith(comment))
    assert line.endswith(
        "DOES NOT AGREE: what the comment is sorted by is not its number of stored votes; "
        "the view in Redis is not the stored choices and the ledger together."
    )


def test_an_article_without_a_view_or_comments_is_shown(
    run: Run, client: FlaskClient, reader: Headers, worker: Worker, database: Database, settings: Settings
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    assert worker.drain()
    Hot.from_settings(settings, StoredBallots(database)).execute(commands.forget_view(STORY))
    lines = run("story", "--site", "demo").output.splitlines()
    assert (
        "happy                    1              +0               1               -               1" in lines
    )
    assert "Redis has no view of it now: the next who asks has it built from these figures." in lines
    assert lines[-1] == "It has no comments."


@pytest.mark.usefixtures("comment")
def test_the_site_may_be_left_out_where_there_is_one_alone(run: Run, database: Database) -> None:
    many = run("story")
    assert (many.exit_code, many.output) == (
        1,
        "engagement: name the site: --site with one of demo, known, signed\n",
    )
    with database.write() as connection:
        connection.execute(text("DELETE FROM sites WHERE key <> 'demo'"))
    assert run("story").exit_code == 0
    lost = run("nothing")
    assert (lost.exit_code, lost.output) == (1, "engagement: There is no such article.\n")
