"""Flushes out of the ordinary: what SQL has lost, what is kept for a while, what is more than a batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select

from engagement import clock
from engagement.db.articles import insert_articles
from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.db.tables import articles, choices, comments, dead_letters, events, sites, tallies
from engagement.errors import DatabaseUnavailable
from engagement.hot import commands
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, VOTE, Ballot, ballot_keys
from engagement.hot.playing import deciding
from engagement.hot.protocol import hydrating
from engagement.sites.publishing import put_article
from engagement.verify import verify
from engagement.worker.flush import BALLOTS, Flushed, Flusher
from engagement.worker.loop import Worker
from tests.filling import fill_voted

pytestmark = pytest.mark.every_redis
A = "/v1/demo/articles/story"
STORY = Ballot("demo", "story", MOOD)
Headers = dict[str, str]


def flusher(hot: Hot, database: Database, keep: float = 60.0, threads: int = 1) -> Flusher:
    return Flusher(hot, database, StoredBallots(database), keep, threads=threads)


def test_votes_on_a_comment_that_sql_has_lost_are_put_aside_and_the_rest_goes_through(
    client: FlaskClient, reader: Headers, worker: Worker, database: Database
) -> None:
    posted: Any = [client.post(f"{A}/comments", json={"body": b}, headers=reader).json for b in ("a", "b")]
    for comment in posted:
        client.put(f"{A}/comments/{comment['id']}/vote", json={"value": 1}, headers=reader)
    with database.write() as connection:
        connection.execute(delete(events))
        connection.execute(delete(comments).where(comments.c.body == "a"))
    assert worker.drain()
    with database.read() as connection:
        letters = connection.execute(select(dead_letters)).all()
        stored = connection.scalars(select(choices.c.subject_id)).all()
    assert [(letter.ballot, letter.choice, letter.reason) for letter in letters] == [
        (Ballot("demo", "story", VOTE, posted[0]["id"]).name, "up", "no such comment")
    ]
    assert [str(id) for id in stored] == [posted[1]["id"]]
    assert worker.drain()  # and nothing is left that would come again
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(dead_letters)) == 1


def test_an_article_that_sql_has_lost_is_made_anew_from_its_ledger(
    client: FlaskClient, reader: Headers, worker: Worker, database: Database
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    with database.write() as connection:
        connection.execute(delete(articles))
    assert worker.drain()
    with database.read() as connection:
        assert connection.scalars(select(choices.c.choice)).all() == ["happy"]
        assert connection.scalars(select(articles.c.external_id)).all() == ["story"]


def test_a_ledger_of_a_lost_site_waits_and_does_not_stop_the_others(
    client: FlaskClient, reader: Headers, worker: Worker, database: Database, hot: Hot
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    client.put("/v1/demo/articles/other/reaction", json={"mood": "sad"}, headers=reader)
    gone = Ballot("gone", "story", MOOD)
    for source, target in zip(ballot_keys(STORY)[:3], ballot_keys(gone)[:3], strict=True):
        hot.client.restore(target, 0, hot.client.dump(source) or b"")
    hot.client.zadd(ballot_keys(gone)[4], {gone.name: 0})
    worker.round()
    with database.read() as connection:
        assert sorted(connection.scalars(select(choices.c.choice))) == ["happy", "sad"]
        assert connection.scalar(select(func.count()).select_from(sites).where(sites.c.key == "gone")) == 0
    assert hot.client.xlen(ballot_keys(gone)[2]) == 1


def test_what_is_flushed_stays_a_while_and_then_goes(
    client: FlaskClient, reader: Headers, database: Database, hot: Hot
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    ledger, floors, due = ballot_keys(STORY)[2:5]
    flusher(hot, database).flush()
    assert hot.client.xlen(ledger) == 1
    assert hot.client.hget(floors, STORY.name) is None
    assert hot.client.zscore(due, STORY.name) > clock.now().timestamp() * 1_000 + 50_000
    assert flusher(hot, database).flush().entries == 0
    hot.client.zadd(due, {STORY.name: 0})
    flusher(hot, database, keep=0.0).flush()
    assert hot.client.xlen(ledger) == 0
    assert hot.client.hget(floors, STORY.name) is not None
    assert hot.client.zscore(due, STORY.name) is None


def test_a_worker_does_not_rest_while_more_may_be_trimmed(
    client: FlaskClient, reader: Headers, database: Database, hot: Hot
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    hot.execute_many(
        [commands.choose(STORY, clock.new_id().bytes, "sad", "a" * 24) for _ in range(2 * commands.TRIMMED)]
    )
    while flusher(hot, database).flush().entries:
        pass
    ledger, _, due = ballot_keys(STORY)[2:5]
    left = []
    pending = True
    while pending:
        hot.client.zadd(due, {STORY.name: 0}, xx=True)
        pending = flusher(hot, database, keep=0.0).flush().pending
        left.append(hot.client.xlen(ledger))
    assert left == [commands.TRIMMED + 1, 1, 0]


def test_a_new_choice_makes_a_kept_ballot_due_at_once(
    client: FlaskClient, reader: Headers, database: Database, hot: Hot
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    flusher(hot, database).flush()
    client.put(f"{A}/reaction", json={"mood": "sad"}, headers=reader)
    assert flusher(hot, database).flush().entries == 1


@pytest.mark.parametrize("threads", [1, 2])
def test_more_than_a_batch_is_flushed_in_a_few_rounds(
    client: FlaskClient, reader: Headers, database: Database, hot: Hot, threads: int
) -> None:
    worker = flusher(hot, database, threads=threads)
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    others = [f"a{n}" for n in range(BALLOTS + 20)]
    with database.write() as connection:
        insert_articles(connection, [("demo", name) for name in others])
    ballots = [STORY] * 2_500 + [Ballot("demo", name, MOOD) for name in others]
    sad = [(ballot, clock.new_id().bytes) for ballot in ballots]
    hot.play(deciding(sad, lambda n, known: commands.choose(*sad[n], "sad", "net", known)))
    rounds: list[Flushed] = []
    while not rounds or rounds[-1].entries or rounds[-1].pending:
        rounds.append(worker.flush())
        assert len(rounds) < 100
    assert sum(flushed.entries for flushed in rounds) == 2_501 + BALLOTS + 20
    assert hot.execute(commands.tally(STORY)).counts == {"happy": 1, "sad": 2_500}  # type: ignore[union-attr]
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(choices)) == 2_501 + BALLOTS + 20


@pytest.mark.parametrize("threads", [1, 2])
def test_many_ballots_of_one_shard_are_flushed_in_a_few_rounds(
    database: Database, hot: Hot, threads: int
) -> None:
    """As a ban leaves them: one entry on each of an article's comments. The rounds follow at once."""
    many = 5 * BALLOTS
    ids = fill_voted(database, "demo", "story", many, {})
    votes = [(Ballot("demo", "story", VOTE, str(id)), clock.new_id().bytes) for id in ids]

    hot.play(deciding(votes, lambda n, known: commands.choose(*votes[n], "up", "net", known)))
    worker = flusher(hot, database, threads=threads)
    rounds = [worker.flush()]
    while rounds[-1].pending:
        rounds.append(worker.flush())
    assert [flushed.entries for flushed in rounds] == [many, 0]
    assert verify(database, hot).differences == []


def test_threads_that_can_not_store_say_so_and_lose_nothing(
    client: FlaskClient, reader: Headers, database: Database, hot: Hot, tmp_path: Path
) -> None:
    for n in range(8):
        client.put(f"/v1/demo/articles/a{n}/reaction", json={"mood": "sad"}, headers=reader)
    nowhere = Database(f"sqlite:///{tmp_path}/no/folder.db", timeout=0.2)
    with pytest.raises(DatabaseUnavailable):
        flusher(hot, nowhere, threads=2).flush()
    nowhere.close()
    assert flusher(hot, database, threads=2).flush().entries == 8


def test_a_run_that_comes_back_after_another_is_flushed(
    client: FlaskClient, reader: Headers, worker: Worker, database: Database
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    StoredBallots(database).generation(STORY.shard, "another server, seen once")
    assert worker.drain()
    with database.read() as connection:
        assert connection.scalars(select(choices.c.choice)).all() == ["happy"]


def test_ballots_that_can_not_be_stored_do_not_keep_a_shard_waiting(
    client: FlaskClient, reader: Headers, worker: Worker, database: Database, hot: Hot
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    due = ballot_keys(STORY)[4]
    gone = [b for n in range(20_000) if (b := Ballot("gone", str(n), MOOD)).shard == STORY.shard]
    hot.client.zadd(due, {ballot.name: n for n, ballot in enumerate(gone[:BALLOTS])})
    worker.round()
    worker.round()
    with database.read() as connection:
        assert connection.scalars(select(choices.c.choice)).all() == ["happy"]


def test_a_ballot_that_makes_a_batch_fail_is_put_off_and_the_others_go_on(
    client: FlaskClient, reader: Headers, worker: Worker, database: Database, hot: Hot
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    client.put("/v1/demo/articles/other/reaction", json={"mood": "sad"}, headers=reader)
    poison = {"r": clock.new_id().bytes, "o": "", "n": "happy", "t": 10**18, "w": "net"}
    other = Ballot("demo", "other", MOOD)
    hot.client.xadd(ballot_keys(other)[2], poison)
    worker.round()
    with database.read() as connection:
        assert connection.scalars(select(choices.c.choice)).all() == ["happy"]
    assert hot.client.zscore(ballot_keys(other)[4], other.name) > clock.now().timestamp() * 1_000


def test_entries_that_are_no_choices_are_put_aside_and_the_rest_goes_through(
    client: FlaskClient, reader: Headers, worker: Worker, database: Database, hot: Hot
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    good = {"r": clock.new_id().bytes, "o": "", "n": "happy", "t": 1, "w": "net"}
    for wrong in ({"r": b"no id"}, {"n": "x" * 40}, {"w": "x" * 40}, {"n": "a\0b"}):
        hot.client.xadd(ballot_keys(STORY)[2], good | wrong)
    assert worker.drain()
    with database.read() as connection:
        assert connection.scalars(select(choices.c.choice)).all() == ["happy"]
        reasons = connection.scalars(select(dead_letters.c.reason).order_by(dead_letters.c.id)).all()
    assert reasons == ["no reader id", "not a choice", "not a choice", "not a choice"]


def test_a_view_that_differs_from_sql_is_built_anew(
    client: FlaskClient, reader: Headers, worker: Worker, database: Database, hot: Hot
) -> None:
    """SQL has lost a choice that Redis still counts; its reader then moves it."""
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    assert worker.drain()
    with database.write() as connection:
        connection.execute(delete(choices))
        connection.execute(delete(tallies))
    client.put(f"{A}/reaction", json={"mood": "sad"}, headers=reader)
    assert worker.drain()
    found: Any = client.get(f"{A}/reactions").json
    assert {mood["key"]: mood["count"] for mood in found["moods"] if mood["count"]} == {"sad": 1}


def test_a_choice_that_sql_has_though_the_ledger_calls_it_the_first_is_counted_once(
    client: FlaskClient, reader: Headers, worker: Worker, database: Database, hot: Hot
) -> None:
    """A restored backup has it, and that it was taken back is lost."""
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    assert worker.drain()
    with database.read() as connection:
        mine = connection.scalars(select(choices.c.reader_id)).one()
    ledger, due = ballot_keys(STORY)[2], ballot_keys(STORY)[4]
    for person in (clock.new_id(), mine):
        hot.client.xadd(ledger, {"r": person.bytes, "o": "", "n": "sad", "t": 1, "w": "net"})
    hot.client.zadd(due, {STORY.name: 0})
    assert flusher(hot, database).flush().entries == 2
    with database.read() as connection:
        assert connection.scalars(select(choices.c.choice)).all() == ["sad", "sad"]
        counts = connection.execute(select(tallies.c.choice, tallies.c.count).where(tallies.c.count != 0))
        assert [tuple(row) for row in counts] == [("sad", 2)]
    found: Any = client.get(f"{A}/reactions").json
    assert {mood["key"]: mood["count"] for mood in found["moods"] if mood["count"]} == {"sad": 2}


def test_an_article_closed_during_a_hydration_is_closed(
    client: FlaskClient, reader: Headers, database: Database, hot: Hot
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    hot.execute(commands.forget_view(STORY))
    cold: Any = hot.execute(commands.tally(STORY))
    plan = hydrating({STORY: cold}, hot.limits)
    snapshots = StoredBallots(database).snapshots(next(plan).runs)
    put_article(database, hot, "demo", "story", reactions_open=False)
    assert hot.execute_many(plan.send(snapshots)) == ["RETRY"]
    assert client.put(f"{A}/reaction", json={"mood": "sad"}, headers=reader).status_code == 409


def test_the_lag_is_the_age_of_the_oldest_entry_that_sql_lacks(
    client: FlaskClient, reader: Headers, database: Database, hot: Hot
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    ledger, due = ballot_keys(STORY)[2], ballot_keys(STORY)[4]
    late = flusher(hot, database)
    batch = late.read({STORY.shard: hot.execute(commands.due(STORY.shard, 1))})  # type: ignore[dict-item]
    client.put(f"{A}/reaction", json={"mood": "sad"}, headers=reader)
    late.settle(late.commit(batch))
    newest: Any = hot.client.xrevrange(ledger, count=1)
    assert hot.client.zscore(due, STORY.name) == float(newest[0][1][b"t"])
