"""A policy is inherited field by field, and each value knows why it is so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.moderation.policy.inheritance import (
    DEFAULTS,
    FIELDS,
    Layer,
    Origin,
    Policy,
    Setting,
    changed,
    closing,
    fault,
    inherit,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ANN = UUID(int=1)
GOOD: dict[str, st.SearchStrategy[Any]] = {
    "moderation": st.sampled_from(["post", "pre"]),
    "closed": st.booleans(),
    "reactions_only": st.booleans(),
    "hold_links": st.booleans(),
    **dict.fromkeys(
        ("close_after_days", "hold_new_readers", "slow_mode", "hold_after_reports"), st.integers(0, 1_000)
    ),
}
VALUES = st.fixed_dictionaries({}, optional=GOOD)


def layer(scope: Any, values: dict[str, Any], name: str = "") -> Layer:
    return Layer(scope, name, {key: Setting(value, NOW, ANN) for key, value in values.items()}, 1)


@given(VALUES, VALUES, VALUES)
def test_the_narrowest_that_says_something_is_right(
    site: dict[str, Any], section: dict[str, Any], article: dict[str, Any]
) -> None:
    layers = [layer("site", site), layer("section", section, "news"), layer("article", article, "a1")]
    policy = inherit(layers)
    for name in FIELDS:
        expected, origin = getattr(DEFAULTS, name), Origin()
        for values, where in (
            (site, ("site", "")),
            (section, ("section", "news")),
            (article, ("article", "a1")),
        ):
            if name in values:
                expected, origin = values[name], Origin(*where, NOW, ANN)
        assert getattr(policy, name) == expected
        assert policy.why(name) == origin


@given(VALUES, VALUES)
def test_a_change_names_what_it_changes_and_nothing_else(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    had = layer("site", before)
    later = NOW + timedelta(hours=1)
    patched = changed(had, after, later, None, whole=False)
    assert {name: s.value for name, s in patched.items()} == before | after
    for name, setting in patched.items():
        same = name in before and (name not in after or before[name] == after[name])
        assert setting.at == (NOW if same else later)
    put = changed(had, after, later, None, whole=True)
    assert {name: s.value for name, s in put.items()} == after


@given(VALUES)
def test_null_takes_a_value_back_to_what_is_inherited(values: dict[str, Any]) -> None:
    assert changed(layer("site", values), dict.fromkeys(values), NOW, None, whole=False) == {}


@given(VALUES)
def test_what_is_good_has_no_fault(values: dict[str, Any]) -> None:
    assert [fault(name, value) for name, value in values.items() if fault(name, value)] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("moderation", "never"), ("moderation", True), ("closed", 1), ("closed", "yes"), ("slow_mode", -1),
        ("slow_mode", True), ("slow_mode", 1.5), ("close_after_days", 10**9), ("hold_links", 3),
        ("nonsense", 1),
    ],
)  # fmt: skip
def test_what_is_bad_is_told_in_words(name: str, value: Any) -> None:
    assert fault(name, value)


def test_an_article_closes_by_its_age() -> None:
    policy = Policy(close_after_days=14)
    assert closing(policy, NOW - timedelta(days=13, hours=23), NOW) is None
    assert "14 days" in (closing(policy, NOW - timedelta(days=14), NOW) or "")
    assert closing(policy, None, NOW) is None
    assert closing(Policy(), NOW - timedelta(days=9_999), NOW) is None
    assert "reactions" in (closing(Policy(reactions_only=True), NOW, NOW) or "")
    assert closing(Policy(closed=True), NOW, NOW)
