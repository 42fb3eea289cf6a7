"""What a process remembers of an article that is written to: who asks for it again, and who goes on."""

from __future__ import annotations

from threading import Event, Thread

import pytest

from engagement.db.articles import insert_articles
from engagement.db.engine import Database
from engagement.errors import DatabaseUnavailable
from engagement.settings import Settings
from engagement.sites import service
from engagement.sites.service import Sites
from tests.jobs_world import CrashingDatabase

WAIT = 20


class Asking:
    """Sites whose reads of SQL are counted, and do what they are told before."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.count = 0
        self.first: list[object] = []
        """What the next reads do."""
        self.sites = Sites(CrashingDatabase(database, self._tick), settings.secret_key)
        with database.write() as connection:
            insert_articles(connection, [("demo", "story")])

    def _tick(self) -> None:
        self.count += 1
        act = self.first.pop(0) if self.first else None
        if callable(act):
            act()

    def ask(self) -> str | None:
        found = self.sites.remembered("demo", "story")
        return found.external_id if found else None


@pytest.fixture
def asking(database: Database, settings: Settings) -> Asking:
    return Asking(database, settings)


def test_it_is_asked_for_once_and_then_remembered(asking: Asking) -> None:
    assert [asking.ask() for _ in range(3)] == ["story"] * 3
    assert asking.count == 1
    asking.sites.forget("demo", "story")
    assert asking.ask() == "story"
    assert asking.count == 2


def test_what_is_not_there_is_asked_for_each_time(asking: Asking) -> None:
    assert [asking.sites.remembered("demo", "other") for _ in range(2)] == [None, None]
    assert asking.count == 2


def test_the_others_go_on_while_one_asks_again(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "FRESH", 0)  # it is to be asked for again at once, and may still be used
    assert asking.ask() == "story"
    asked, answer = Event(), Event()

    def hang() -> None:
        asked.set()
        answer.wait(WAIT)

    asking.first.append(hang)
    one = Thread(target=asking.ask)
    one.start()
    assert asked.wait(WAIT)
    assert [asking.ask() for _ in range(20)] == ["story"] * 20
    assert asking.count == 2
    answer.set()
    one.join(WAIT)
    asking.ask()
    assert asking.count == 3


def test_who_asked_in_vain_leaves_it_to_the_next(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "FRESH", 0)
    asking.ask()

    def fail() -> None:
        raise DatabaseUnavailable

    asking.first.append(fail)
    with pytest.raises(DatabaseUnavailable):
        asking.ask()
    assert asking.ask() == "story"
    assert asking.count == 3
