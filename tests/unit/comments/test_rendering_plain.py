"""The short cut for comments without markup changes nothing of what is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.comments.rendering import render, render_markup

PIECES = st.sampled_from(
    [
        *(
            "The ferry",
            "état",
            "漢字",
            "1. a",
            "-",
            "- b",
            "+",
            "=",
            "==",
            "http:",
            "://",
            "/",
            '"so"',
            "(c)",
        ),
        *("a:b", "🙂", "❤", "#", "*", "_", "`", "~~~", "&amp;", "<", ">", "|", "\\", "[x]", "!", "3", "٣"),
        *("  ", " ", "\n", "\n\n", "\n\n\n", "\t", "\r", "\0", "\u3164", "\u00a0", "\u0e33", "\u0301"),
        *("\ufe0f", "…", "—", "”"),
    ]
)


@given(st.lists(PIECES).map("".join) | st.lists(PIECES).map(" ".join) | st.text())
def test_text_without_markup_looks_as_the_parser_has_it(text: str) -> None:
    assert render(text) == render_markup(text)


@pytest.mark.parametrize("char", [*map(chr, range(0x20, 0x250)), *"–—…“”‘’«»€☀➿🌀🫿"])  # noqa: RUF001
def test_every_character_looks_as_the_parser_has_it_wherever_it_stands(char: str) -> None:
    for around in ("{}a", "a{}", "a{}b", "a {} b", "a\n{} b", "a\n\n{}b", "{0}{0}{0} a", "a\n{}", "a {}\nb"):
        text = around.format(char)
        assert render(text) == render_markup(text)
