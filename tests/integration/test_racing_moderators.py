"""Two moderators on one comment at the same moment: one decides, the other is told how it is now."""

from __future__ import annotations

from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from engagement.db.engine import Database
from engagement.db.tables import decisions
from engagement.hot.connection import Hot
from engagement.moderation.log.service import ModerationLog
from engagement.settings import Settings
from engagement.verify import Totals, differences
from engagement.worker.loop import Worker
from tests.moderating import Newsroom
from tests.staffing import headers_of

RACES = 25
"""Of each pair, on each store."""


@pytest.mark.parametrize("at_once", [("approve", "reject"), ("reject", "spam")], ids=" or ".join)
def test_of_two_who_decide_at_once_one_does_and_the_other_sees_it(
    app: Flask,
    client: FlaskClient,
    database: Database,
    hot: Hot,
    worker: Worker,
    settings: Settings,
    reader: dict[str, str],
    at_once: tuple[str, str],
) -> None:
    room = Newsroom(client, database, headers_of(database, "demo", "moderator"))
    staff = [headers_of(database, "demo", role) for role in ("moderator", "admin")]
    posted = [room.post(reader) for _ in range(RACES)]
    barrier = Barrier(2)
    answers: list[list[Any]] = [[], []]

    def decide(n: int) -> None:
        mine = Newsroom(app.test_client(), database, staff[n])
        for comment in posted:
            barrier.wait(60)
            answers[n].append(mine.decide(comment, at_once[n]))

    threads = [Thread(target=decide, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    by_status = {"approve": "approved", "reject": "rejected", "spam": "spam"}
    for one, other in zip(*answers, strict=True):
        assert sorted((one.status_code, other.status_code)) == [200, 409], (one.text, other.text)
        winner = 0 if one.status_code == 200 else 1
        made, late = (one.json, other.json) if winner == 0 else (other.json, one.json)
        assert late["type"] == "urn:engagement:problem:decided"
        assert late["present"]["status"] == made["status"] == by_status[at_once[winner]]
        assert late["present"]["decision"] == made["decision"]
    with database.read() as connection:
        d = decisions.c
        number, comments = connection.execute(
            select(func.count(), func.count(d.comment_id.distinct())).select_from(decisions)
        ).one()
        assert (number, comments) == (RACES, RACES)
        assert list(ModerationLog(settings.secret_key).verify(connection)) == []
    while worker.round().pending:
        pass
    assert list(differences(database, hot, Totals())) == []
