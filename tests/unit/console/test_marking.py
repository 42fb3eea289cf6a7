"""What is marked in a text, and that nothing in it is ever more than text."""

from __future__ import annotations

from html import unescape
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engagement.console.marking import found_in, marked

place = st.fixed_dictionaries({"start": st.integers(-5, 60), "end": st.integers(-5, 60)})


def hit(start: int, end: int, revision: int = 1) -> dict[str, Any]:
    return {"revision": revision, "found": {"start": start, "end": end}}


def test_a_place_is_marked() -> None:
    assert marked("you muppet, you", [hit(4, 10)], 1) == "you <mark>muppet</mark>, you"


def test_places_that_overlap_are_one() -> None:
    assert marked("abcdef", [hit(1, 3), hit(2, 5), hit(5, 6)], 1) == "a<mark>bcdef</mark>"


def test_a_place_in_another_revision_marks_nothing() -> None:
    assert marked("abcdef", [hit(1, 3, revision=1)], 2) == "abcdef"


def test_what_was_found_at_no_place_marks_nothing() -> None:
    assert marked("abcdef", [{"revision": 1, "found": {"score": 0.9}}], 1) == "abcdef"


def test_a_text_is_escaped_within_and_without_a_mark() -> None:
    assert marked("<b>&", [hit(0, 2)], 1) == "<mark>&lt;b</mark>&gt;&amp;"


@given(st.text("<>&\"'ab \U0001f351é", max_size=50), st.lists(place, max_size=8))
def test_without_its_marks_it_is_the_text(text: str, places: list[dict[str, int]]) -> None:
    html = found_in(text, places)
    plain = html.replace("<mark>", "").replace("</mark>", "")
    assert "<" not in plain
    assert unescape(plain) == text
