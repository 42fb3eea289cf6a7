"""What a reader typed, cleaned."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.text import MAX_MARKS, MAX_SPACING_MARKS, clean_text

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
PIRATES = "\U0001f3f4\u200d\u2620\ufe0f"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
TRICKY = (
    "\r\n\t\v\x85\u2028 a\u00a0\u3164\u2800\u200b\u200c\u200d\u202e\u2066\u0301\u0903\u212a\ufe0f=\u0338\x00"
)


def clean(text: str) -> str:
    return clean_text(text, max_length=10_000)


def clean_name(text: str) -> str:
    return clean_text(text, max_length=10_000, multiline=False)


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "a\nb\n\nc\n\n\nd",
        "- a\n  - b\n    indented by hand",
        "naïve café",
        "शुक्रिया क्षत्रिय",
        "می\u200cخواهم",  # noqa: RUF001 - Persian with its ZWNJ
        "ශ්\u200dරී ලංකා",  # Sinhala with its ZWJ
        "അവന്\u200d",  # Malayalam, ZWJ at the end of a word
        "လျှော့",  # Burmese, five marks on one letter, three of them spacing
        "שָׁלוֹם",
        "Tiếng Việt",
        "日本語 葛\U000e0100",
        "עברית \u200fand English\u200e",
        FAMILY,
        PIRATES,
        SCOTLAND,
        "1\ufe0f\u20e3 \U0001f9d1\U0001f3fd\u200d\U0001f680",
    ],
)
def test_what_readers_write_is_kept(text: str) -> None:
    text = unicodedata.normalize("NFC", text)
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("e\u0301", "\u00e9"),
        ("\u212a", "K"),
        ("a\r\nb\rc\vd\fe\x85f\u2028g\u2029h", "a\nb\nc\nd\ne\nf\ng\nh"),
        ("a\tb", "a b"),
        ("a\x00b\x07c\x1bd\x7fe\x9ff", "abcdef"),
        ("a\u202eb\u202dc\u202ad\u202be\u202cf", "abcdef"),
        ("a\u2066b\u2067c\u2068d\u2069e", "abcde"),
        ("a\u200bb\u2060c\ufeffd\u00ade\u180ef", "abcdef"),
        ("a\ufdd0b\uffffc\U0010fffed", "abcd"),
        ("a\ud800b\udfffc", "abc"),
        ("hi\U000e0068\U000e0069", "hi"),
        ("\U0001f3f4\U000e0078\U000e007f", "\U0001f3f4"),
        ("a\u200db\u200cc", "abc"),
        ("\u200dé \u200d", "é"),
        (FAMILY + "\u200d\u200d\u200d", FAMILY + "\u200d"),
        ("  a  \n \u00a0 \n   b ", "a\n\n b"),
        ("  - a\n  - b\n    c", "- a\n- b\n  c"),
        ("a\n\n\n\n\n\nb", "a\n\n\nb"),
        ("a\n \n\t\n \n \nb", "a\n\n\nb"),
        ("e\u200b\u0301", "\u00e9"),
    ],
)
def test_what_acts_without_being_seen_goes(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_of_the_marks_on_one_letter_the_first_four_stay() -> None:
    assert clean("x" + "\u0300" * 50 + "y" + "\u0317" * 3) == "x" + "\u0300" * 4 + "y" + "\u0317" * 3


@pytest.mark.parametrize("between", ["\u200d", "\u0903", "\u200b", "\u200e"])
def test_marks_cannot_be_stacked_around_a_joiner_or_a_spacing_mark(between: str) -> None:
    cleaned = clean("क" + (between + "\u0951" * 4) * 20)
    assert cleaned.count("\u0951") == MAX_MARKS


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("  Ada \n\t Lovelace ", "Ada Lovelace"),
        ("Ada\u00a0\u2003\u3000Lovelace", "Ada Lovelace"),
        ("Ada\u3164", "Ada"),
        ("\u2800Ada\uffa0\uffa0L\u2800", "Ada L"),
        ("Ada\u202e", "Ada"),
    ],
)
def test_a_name_is_one_line_with_single_spaces(text: str, name: str) -> None:
    assert clean_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t ",
        "\u00a0\u2003\u3000\u205f",
        "\u200b\u200c\u200d\ufeff\u2060",
        "\u3164",
        "\u115f\u1160\uffa0",
        "\u2800\u2800",
        "\u202e\u2066",
        "\u200e\u200f\u061c",
        "\u0301\u034f\ufe0f",
        "\x00\x01",
        "\U000e0041",
        "\u3164\u200d\u3164",
        "\ud800",
    ],
)
def test_what_looks_empty_is_empty(text: str) -> None:
    for multiline in (True, False):
        with pytest.raises(ValueError, match=r"^is empty$"):
            clean_text(text, max_length=100, multiline=multiline)


def test_length_is_counted_in_code_points_after_cleaning() -> None:
    assert clean_text("  " + "\U0001f600" * 5 + "\u200b" * 9, max_length=5) == "\U0001f600" * 5
    assert clean_text("e\u0301" * 5, max_length=5) == "\u00e9" * 5
    with pytest.raises(ValueError, match=r"^is longer than 5 characters$"):
        clean_text("abcdef", max_length=5)


@given(st.one_of(st.text(), st.text(st.sampled_from(TRICKY))), st.booleans())
def test_cleaned_text_stays_as_it_is(text: str, multiline: bool) -> None:
    try:
        cleaned = clean_text(text, max_length=10_000, multiline=multiline)
    except ValueError:
        return
    assert clean_text(cleaned, max_length=10_000, multiline=multiline) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)


@given(st.text(st.characters()))
def test_cleaned_text_has_nothing_that_acts_unseen(text: str) -> None:
    try:
        cleaned = clean(text)
    except ValueError:
        return
    assert not any(unicodedata.category(char) in {"Cc", "Cs"} for char in cleaned if char != "\n")
    assert not any(unicodedata.bidirectional(char) in {"LRO", "RLO", "LRE", "RLE", "PDF"} for char in cleaned)
    assert cleaned == cleaned.strip()


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1))
def test_nothing_that_is_seen_is_lost(text: str) -> None:
    text = unicodedata.normalize("NFC", text + "!")
    assert clean(text) == text


@pytest.mark.parametrize("mark", ["\u0e33", "\u093e", "\u102b"])
def test_marks_with_a_width_end_too_for_no_line_breaks_between_them(mark: str) -> None:
    assert clean_text("\u0e01" + mark * 60, max_length=100) == "\u0e01" + mark * MAX_SPACING_MARKS
    once = f"\u0e01{mark}" * 30
    assert clean_text(once, max_length=100) == once
