"""Comments that are stored in one transaction: each gets what it would have got alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from engagement import clock
from engagement.comments.storing import NoArticle, Taken, Written
from engagement.comments.verdict import Verdict
from engagement.db.engine import Database
from engagement.db.tables import comments, events, idempotency_keys
from engagement.errors import Banned, Closed, Invalid, Problem, Repeated, Unauthorized
from engagement.hot.connection import Hot
from engagement.readers.bars import BANNED, ERASED, put_bar
from engagement.sites.publishing import put_article
from tests.posting_desk import EDIT_WINDOW, OTHER, STORY, Desk, kinds, make_desk


@pytest.fixture
def desk(database: Database, hot: Hot) -> Desk:
    return make_desk(database, hot)


def bar(desk: Desk, reader: UUID, kind: str, until: datetime | None = None) -> None:
    with desk.database.write() as connection:
        put_bar(connection, reader, "demo", kind, until, reason="insult")


def test_each_of_a_group_is_stored_with_what_is_its_own(desk: Desk) -> None:
    held = Verdict("pending", "link")
    news = [
        desk.new('a "quoted" \\ text {1,2}', desk.reader("Ann")),
        desk.new("näher & <näher> 🚢", desk.reader("Ben"), article=OTHER),
        desk.new("wait", desk.reader("Cleo"), verdict=held, idempotency_key="k"),
    ]
    outcomes = desk.store(*news)
    assert kinds(outcomes) == [Written] * 3
    with desk.database.read() as connection:
        rows = {row.id: row for row in connection.execute(select(comments))}
        told = {row.comment_id: row for row in connection.execute(select(events))}
        (key,) = connection.execute(select(idempotency_keys)).all()
    for new, at, name in zip(news, outcomes, ("Ann", "Ben", "Cleo"), strict=True):
        assert isinstance(at, Written)
        row = rows[at.id]
        assert (row.body, row.body_html, row.network) == (new.judged.text, new.judged.html, "1:network")
        assert (row.article_id, row.parent_id, row.place_id, row.depth) == (
            new.article_id,
            new.article_id,
            None,
            0,
        )
        assert (row.status, row.held_for, row.shown) == (
            new.verdict.status,
            new.verdict.reason,
            new.verdict.shown,
        )
        assert (row.created_at, at.reader_name) == (at.created_at, name)
        assert (row.score, row.best, row.controversy, row.up, row.reply_count) == (0, 0, 0, 0, 0)
        assert row.hot > 0
        shown = int(new.verdict.shown)
        assert (told[at.id].counted, told[at.id].listed) == (shown, shown)
        assert at.body_of_own(EDIT_WINDOW)["body"] == new.judged.text
    third = outcomes[2]
    assert isinstance(third, Written)
    assert (key.comment_id, key.key, key.created_at) == (third.id, "k", third.created_at)
    assert key.digest == news[2].draft.digest(STORY)


def test_what_speaks_against_one_does_not_speak_against_another(desk: Desk, hot: Hot) -> None:
    ann, ben, cleo, dora, banned, erased, free = (desk.reader() for _ in range(7))
    put_article(desk.database, hot, "demo", OTHER, comments_open=False)
    first = desk.post("the very first thing that is said here", ann)
    elsewhere = desk.post("the very first thing that was said there", dora)
    desk.post("posted already", cleo, idempotency_key="used")
    bar(desk, banned, BANNED)
    bar(desk, erased, ERASED)
    bar(desk, free, BANNED, clock.now() - timedelta(hours=1))
    news = {
        "good": (desk.new("good"), Written),
        "a reply": (desk.new("a reply", ben, parent_id=first.id), Written),
        "twice": (desk.new(first.body, ann), Repeated),
        "no parent": (desk.new("no parent", parent_id=UUID(int=1)), Invalid),
        "closed": (desk.new("closed", article=OTHER), Closed),
        "closed, and a key": (desk.new("closed too", article=OTHER, idempotency_key="not kept"), Closed),
        "used key": (desk.new("posted already", cleo, idempotency_key="used"), Taken),
        "banned": (desk.new("banned", banned), Banned),
        "erased": (desk.new("erased", erased), Unauthorized),
        "free again": (desk.new("free again", free), Written),
        "good too": (desk.new("good too", dora, parent_id=elsewhere.id), Written),
    }
    alone = [desk.store(new, waits=True)[0] for new, _ in news.values() if _ is not Written]
    outcomes = desk.store(*(new for new, _ in news.values()))
    for (name, (_, kind)), outcome in zip(news.items(), outcomes, strict=True):
        if name == "no parent":  # somebody may hold it: in a group it is left to be tried alone
            continue
        assert type(outcome) is kind, name
    told = {type(outcome): str(outcome) for outcome in outcomes if isinstance(outcome, Problem)}
    assert {type(outcome): str(outcome) for outcome in alone if type(outcome) in told} == told
    assert Invalid in kinds(alone)
    assert desk.stored()[3:] == ["good", "a reply", "free again", "good too"]
    with desk.database.read() as connection:
        assert connection.scalars(select(idempotency_keys.c.key)).all() == ["used"]


def test_replies_stand_where_they_are_listed(desk: Desk) -> None:
    root = desk.post("a thread")
    child = desk.post("a reply", parent_id=root.id)
    deep, beside = desk.new("deep", parent_id=child.id), desk.new("beside", parent_id=root.id)
    one, other = desk.store(deep, beside)
    assert isinstance(one, Written)
    assert isinstance(other, Written)
    assert (one.depth, one.parent_id, one.place) == (2, child.id, root.id)
    assert (other.depth, other.parent_id, other.place) == (1, root.id, root.id)
    with desk.database.write() as connection:
        connection.execute(update(comments).where(comments.c.id == root.id).values(replies_closed=True))
    shut, fine = desk.store(desk.new("shut", parent_id=one.id), desk.new("another thread"))
    assert type(shut) is Closed
    assert type(fine) is Written


def test_a_reader_or_an_article_that_is_not_there_is_told_by_who_waits(desk: Desk) -> None:
    ghost = desk.new("boo", UUID(int=3))
    nowhere = replace(desk.new("boo"), article_id=UUID(int=4))
    assert kinds(desk.store(ghost, waits=True) + desk.store(nowhere, waits=True)) == [Unauthorized, NoArticle]
    with pytest.raises(Unauthorized):
        desk.posts.post(ghost)
    with pytest.raises(NoArticle):
        desk.posts.post(nowhere)
    assert desk.stored() == []
