"""Reasons of moderation."""

from __future__ import annotations

import pytest

from engagement.moderation.statements.reasons import GIVEN, REASONS, REPORTED, TERMS, reason_of


def test_every_reason_fits_its_columns_and_says_what_it_rests_on() -> None:
    for code, reason in REASONS.items():
        assert code == reason.code
        assert len(code) <= 64
        assert reason.label.endswith(".")
        assert reason.reference
        assert reason.category.startswith("STATEMENT_CATEGORY_")


def test_what_is_against_the_law_names_the_law() -> None:
    assert [code for code, reason in REASONS.items() if reason.ground != TERMS] == ["illegal"]
    assert "Regulation" in REASONS["illegal"].reference


def test_readers_report_for_reasons_that_moderators_may_give() -> None:
    assert set(REPORTED) <= set(GIVEN)


@pytest.mark.parametrize("code", ["gone-by-now", "rule:7"])
def test_a_code_that_is_not_known_is_told_as_another_reason(code: str) -> None:
    assert (reason_of(code).code, reason_of(code).label) == (code, REASONS["other"].label)
