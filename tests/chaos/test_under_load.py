"""What is hard without any fault: a crowd on one article, and restarts that nobody notices."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.rolling import rolling
from tests.chaos.seeds import new_seed
from tests.chaos.starving import crowded

pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("sql", ["sqlite", "postgresql"])
def test_posters_and_reactors_on_one_article_leave_the_flush_its_turn(tmp_path: Path, sql: str) -> None:
    print(*crowded(tmp_path, seed=new_seed(), seconds=5, sql=sql).lines(), sep="\n")


def test_a_rolling_restart_fails_no_request_and_a_worker_that_ends_has_stored_all(tmp_path: Path) -> None:
    print(*rolling(tmp_path, seed=new_seed(), rounds=1).lines(), sep="\n")
