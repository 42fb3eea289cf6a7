"""A store goes back in time, or loses all it had, under load."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.going_back import promoted_postgres, promoted_redis, restored_backup
from tests.chaos.seeds import new_seed
from tests.chaos.wiped import wiped

pytestmark = pytest.mark.timeout(900)


def test_a_restored_backup_loses_no_more_than_is_older_than_the_ledger_keeps(tmp_path: Path) -> None:
    print(
        *restored_backup(tmp_path, seed=new_seed(), before=6, after=3, keep=3, clients=12).lines(), sep="\n"
    )


def test_a_promoted_replica_of_postgres_loses_no_choice_that_the_ledger_has(tmp_path: Path) -> None:
    print(*promoted_postgres(tmp_path, seed=new_seed(), lag=2, after=2, keep=6, clients=12).lines(), sep="\n")


def test_a_promoted_replica_of_redis_loses_only_what_was_not_yet_stored(tmp_path: Path) -> None:
    print(*promoted_redis(tmp_path, seed=new_seed(), lag=2, after=2, clients=12).lines(), sep="\n")


def test_views_may_go_at_any_moment_and_an_emptied_redis_loses_only_what_was_not_yet_stored(
    tmp_path: Path,
) -> None:
    print(*wiped(tmp_path, seed=new_seed(), seconds=6, emptied=True, clients=16).lines(), sep="\n")
