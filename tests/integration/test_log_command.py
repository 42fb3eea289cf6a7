"""`engagement log`: the moderation log, looked through by the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, update

from engagement.cli import main
from engagement.db.engine import Database
from engagement.db.tables import meta, moderation_log
from engagement.moderation.log.service import HEAD, ModerationLog, head_of
from engagement.settings import Settings
from engagement.staff.members import SYSTEM

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in ("database_url", "redis_url", "secret_key"):
        monkeypatch.setenv(f"ENGAGEMENT_{name.upper()}", getattr(settings, name))
    monkeypatch.setenv("ENGAGEMENT_LOG_LEVEL", "ERROR")
    return lambda *words: CliRunner().invoke(main, ["log", *words])


def write(database: Database, log: ModerationLog, many: int) -> None:
    for _ in range(many):
        with database.write() as connection:
            log.append(connection, action="approve", actor=SYSTEM, subject={}, site="demo")


def cut(database: Database, after: int) -> None:
    """With the head that is kept beside the log."""
    with database.write() as connection:
        connection.execute(delete(moderation_log).where(moderation_log.c.number > after))
        if after == 0:
            connection.execute(delete(meta).where(meta.c.key == HEAD))
            return
        mac = connection.scalar(
            moderation_log.select().with_only_columns(moderation_log.c.mac).filter_by(number=after)
        )
        connection.execute(update(meta).where(meta.c.key == HEAD).values(value=f"{after}:{mac}"))


def test_a_whole_log_is_said_to_be_whole(run: Run, database: Database, settings: Settings) -> None:
    write(database, ModerationLog(settings.secret_key), 3)
    result = run("verify")
    assert (result.exit_code, result.output) == (0, "The log is as it was written: 3 entries.\n")
    with database.read() as connection:
        head = head_of(connection)
    assert run("head").output == f"{head}\n"
    assert run("verify", "--head", str(head)).exit_code == 0


def test_a_changed_entry_is_named_with_exit_code_1(run: Run, database: Database, settings: Settings) -> None:
    write(database, ModerationLog(settings.secret_key), 3)
    with database.write() as connection:
        connection.execute(update(moderation_log).where(moderation_log.c.number == 2).values(action="reject"))
    result = run("verify")
    assert (result.exit_code, result.output) == (1, "entry 2 is not as it was written\n")


def test_a_cut_end_shows_against_a_head_that_was_kept(
    run: Run, database: Database, settings: Settings
) -> None:
    write(database, ModerationLog(settings.secret_key), 3)
    kept = run("head").output.strip()
    cut(database, 1)
    assert run("verify").exit_code == 0
    result = run("verify", "--head", kept)
    assert (result.exit_code, result.output) == (
        1, "entries 2 to 3 are missing: the end was cut off\n"
    )  # fmt: skip


def test_a_cut_end_shows_against_the_file_of_heads(
    run: Run, database: Database, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "heads"
    monkeypatch.setenv("ENGAGEMENT_MODERATION_LOG_HEADS", str(file))
    assert run("verify").exit_code == 0  # nothing was written yet
    write(database, ModerationLog(settings.secret_key, str(file)), 3)
    assert run("verify").exit_code == 0
    cut(database, 0)
    result = run("verify")
    assert (result.exit_code, result.output) == (
        1, "entries 1 to 3 are missing: the end was cut off\n"
    )  # fmt: skip
    file.write_text("nonsense\n")
    assert run("verify").exit_code == 1


def test_what_is_no_head_is_refused(run: Run) -> None:
    assert run("verify", "--head", "17").exit_code == 2
