"""Everything is killed and hung while 32 clients write: `make chaos` does it for longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.seeds import new_seed
from tests.chaos.storm import storm


@pytest.mark.timeout(900)
def test_what_was_answered_stands_whatever_is_killed_and_hung(tmp_path: Path) -> None:
    summary = storm(tmp_path, seed=new_seed(), seconds=20, kills=2, hangs=1, hang=(1.0, 2.0))
    print(*summary.lines(), sep="\n")
    assert set(summary.blows.values()) == {2, 1}
