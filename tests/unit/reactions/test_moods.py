"""How a tally is told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engagement.reactions.moods import MOODS, shares, tally_body, top_mood

counts = st.dictionaries(st.sampled_from([mood.key for mood in MOODS]), st.integers(0, 10**9))


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=12))
def test_shares_sum_to_a_hundred_and_none_is_off_by_a_whole_percent(numbers: list[int]) -> None:
    found = shares(numbers)
    total = sum(numbers)
    assert sum(found) == (100 if total else 0)
    if total:
        assert all(
            abs(share * total - count * 100) < total for share, count in zip(found, numbers, strict=True)
        )


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=8))
def test_more_readers_never_have_a_smaller_share(numbers: list[int]) -> None:
    ordered = sorted(zip(numbers, shares(numbers), strict=True))
    assert [share for _, share in ordered] == sorted(share for _, share in ordered)


def test_equal_remainders_go_to_the_earlier_mood() -> None:
    assert shares([1, 1, 1]) == [34, 33, 33]
    assert shares([0, 0]) == [0, 0]


def test_the_top_mood_is_the_one_shown_first_among_equals() -> None:
    assert top_mood({"sad": 2, "happy": 2, "angry": 1}) == "happy"
    assert top_mood({"annoyed": 1}) == "annoyed"
    assert top_mood({}) is None
    assert top_mood({"sad": 0}) is None


@given(counts)
def test_a_tally_tells_every_mood_in_order(numbers: dict[str, int]) -> None:
    body = tally_body(numbers)
    assert [mood["key"] for mood in body["moods"]] == [mood.key for mood in MOODS]
    assert body["total"] == sum(numbers.values()) == sum(mood["count"] for mood in body["moods"])
