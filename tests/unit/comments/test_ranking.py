"""What comments sort by: golden values, and what must hold for any votes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.comments.ranking import HOT_EPOCH, VOTE_KEYS, best, controversy, hot, sort_keys

T0 = HOT_EPOCH
LATER = T0 + 10**9
votes = st.integers(0, 10**7)


@pytest.mark.parametrize(
    ("up", "down", "expected"),
    [
        (1, 0, 0.378448), (10, 0, 0.858931), (1, 1, 0.164252), (5, 5, 0.312204),
        (100, 10, 0.867689), (600, 400, 0.579998),
    ],
)  # fmt: skip
def test_best_is_the_lower_bound_of_wilsons_interval(up: int, down: int, expected: float) -> None:
    assert best(up, down) == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize("down", [0, 1, 7, 10**6])
def test_without_up_votes_best_is_exactly_0(down: int) -> None:
    assert best(0, down) == 0


@given(votes, votes)
def test_best_is_a_share_and_an_up_vote_never_harms(up: int, down: int) -> None:
    assert 0 <= best(up, down) <= best(up + 1, down) <= 1
    assert best(up, down + 1) <= best(up, down)


@pytest.mark.parametrize(
    ("up", "down", "expected"), [(5, 5, 10), (10, 1, 1.270982), (100, 99, 188.740259), (7, 0, 0), (0, 7, 0)]
)
def test_controversy_grows_with_votes_and_balance(up: int, down: int, expected: float) -> None:
    assert controversy(up, down) == pytest.approx(expected, abs=5e-7)
    assert controversy(down, up) == controversy(up, down)


@pytest.mark.parametrize(
    ("up", "down", "created", "expected"), [(1, 0, T0, 0), (100, 0, T0 + 45_000, 3), (0, 5, T0, -0.69897)]
)
def test_heat_is_score_and_age(up: int, down: int, created: float, expected: float) -> None:
    assert hot(up, down, created, LATER) == pytest.approx(expected, abs=5e-8)


@given(votes, votes, st.integers(0, 10**9))
def test_a_date_that_is_yet_to_come_gains_nothing(up: int, down: int, ahead: int) -> None:
    assert hot(up, down, LATER + ahead, LATER) == hot(up, down, LATER, LATER)


def test_the_keys_that_votes_decide_come_together() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    created = now - timedelta(hours=1)
    keys = dict(zip(VOTE_KEYS, sort_keys(6, 4, created, now), strict=True))
    assert keys == {
        "score": 2,
        "best": best(6, 4),
        "controversy": controversy(6, 4),
        "hot": hot(6, 4, created.timestamp(), now.timestamp()),
    }
