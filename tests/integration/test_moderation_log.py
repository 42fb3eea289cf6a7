"""The log of moderation: what is changed, missing, out of order or cut in it is found and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, insert, select, update
from structlog.testing import capture_logs

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import meta, moderation_log
from engagement.moderation.log.service import HEAD, Head, ModerationLog, head_of
from engagement.settings import Settings
from engagement.staff.members import SYSTEM, Actor

number = moderation_log.c.number


@pytest.fixture
def ledger(settings: Settings) -> ModerationLog:
    return ModerationLog(settings.secret_key)


@pytest.fixture
def written(database: Database, ledger: ModerationLog) -> Head:
    """Ten entries; answers their head."""
    actor = Actor("staff", clock.new_id())
    for i in range(10):
        with database.write() as connection:
            subject = {"comment": clock.new_id(), "n": i, "before": {"status": "pending"}}
            assert (
                ledger.append(connection, action="reject", actor=actor, subject=subject, site="demo") == i + 1
            )
    with database.read() as connection:
        return head_of(connection)


def faults(database: Database, ledger: ModerationLog, *heads: Head) -> list[str]:
    with database.read() as connection:
        return list(ledger.verify(connection, heads))


def test_a_log_as_it_was_written_has_no_fault(
    database: Database, ledger: ModerationLog, written: Head
) -> None:
    assert written.number == 10
    assert faults(database, ledger, written) == []


def test_an_empty_log_has_no_fault(database: Database, ledger: ModerationLog) -> None:
    assert faults(database, ledger) == []


CHANGES: dict[str, dict[str, Any]] = {
    "its action": {"action": "approve"},
    "its subject": {"subject": {"comment": "another"}},
    "its time": {"at": clock.now()},
    "who did it": {"actor_kind": "system", "actor_id": None},
    "its site": {"site": "known"},
    "its MAC": {"mac": "0" * 64},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_a_changed_entry_is_named(
    database: Database, ledger: ModerationLog, written: Head, changes: dict[str, Any]
) -> None:
    with database.write() as connection:
        connection.execute(update(moderation_log).where(number == 4).values(changes))
    assert "entry 4 is not as it was written" in faults(database, ledger)


def _swap(connection: Connection) -> None:
    for before, after in ((4, 99), (5, 4), (99, 5)):
        connection.execute(update(moderation_log).where(number == before).values(number=after))


def _doubled(connection: Connection) -> None:
    row = connection.execute(select(moderation_log).where(number == 10)).one()
    connection.execute(insert(moderation_log).values(row._asdict() | {"number": 11, "previous": row.mac}))


def _cut_with_head(connection: Connection) -> None:
    connection.execute(delete(moderation_log).where(number > 8))
    mac = connection.scalar(select(moderation_log.c.mac).where(number == 8))
    connection.execute(update(meta).where(meta.c.key == HEAD).values(value=f"8:{mac}"))


TAMPERING: dict[str, tuple[Callable[[Connection], Any], str]] = {
    "one is deleted": (lambda c: c.execute(delete(moderation_log).where(number == 4)), "entry 4 is missing"),
    "some are deleted": (
        lambda c: c.execute(delete(moderation_log).where(number.between(1, 3))), "entries 1 to 3 are missing"
    ),
    "two change places": (_swap, "entry 4 is not as it was written"),
    "one is made up": (_doubled, "entry 11 is not as it was written"),
    "the end is cut": (
        lambda c: c.execute(delete(moderation_log).where(number > 8)),
        "entries 9 to 10 are missing: the end was cut off",
    ),
    "all is gone": (lambda c: c.execute(delete(moderation_log)), "entries 1 to 10 are missing"),
    "the end is cut, and the head beside it": (
        _cut_with_head, "entries 9 to 10 are missing: the end was cut off"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("tamper", "said"), TAMPERING.values(), ids=TAMPERING)
def test_tampering_in_sql_is_found(
    database: Database,
    ledger: ModerationLog,
    written: Head,
    tamper: Callable[[Connection], Any],
    said: str,
) -> None:
    with database.write() as connection:
        tamper(connection)
    assert said in "\n".join(faults(database, ledger, written))


def test_a_log_that_was_sealed_anew_with_another_key_is_found(
    database: Database, ledger: ModerationLog, written: Head
) -> None:
    found = faults(database, ModerationLog("another secret, and as long as they have to be"))
    assert len(found) == 10


def test_a_head_that_was_told_must_be_the_one_that_is_there(
    database: Database, ledger: ModerationLog, written: Head
) -> None:
    other = replace(written, mac="f" * 64)
    assert faults(database, ledger, other) == [f"entry 10 is not the one whose head was told: {other}"]


def test_an_entry_of_a_transaction_that_fails_is_not_there_and_not_told(
    database: Database, ledger: ModerationLog, written: Head
) -> None:
    def fail() -> None:
        with database.write() as connection:
            ledger.append(connection, action="reject", actor=SYSTEM, subject={}, site=None)
            raise ZeroDivisionError

    with capture_logs() as logged, pytest.raises(ZeroDivisionError):
        fail()
    assert logged == []
    with database.write() as connection:
        assert ledger.append(connection, action="reject", actor=SYSTEM, subject={}, site=None) == 11
    assert faults(database, ledger) == []


def test_each_head_goes_to_the_log_stream_and_to_the_file(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "heads"
    ledger = ModerationLog(settings.secret_key, str(file))
    with capture_logs() as logged:
        for _ in range(2):
            with database.write() as connection:
                ledger.append(connection, action="approve", actor=SYSTEM, subject={}, site="demo")
    told = ledger.told()
    assert [head.number for head in told] == [1, 2]
    assert [(entry["event"], entry["number"], entry["mac"]) for entry in logged] == [
        ("moderation log head", head.number, head.mac) for head in told
    ]
    assert faults(database, ledger, *told) == []


def test_many_append_at_once_without_a_gap(database: Database, ledger: ModerationLog) -> None:
    def append() -> None:
        for _ in range(20):
            with database.write() as connection:
                ledger.append(connection, action="approve", actor=SYSTEM, subject={}, site="demo")

    threads = [Thread(target=append) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(moderation_log)) == 80
        assert head_of(connection).number == 80
    assert faults(database, ledger) == []
