"""Phrases are found as words, however they are spelled, and nothing else is."""

# ruff: noqa: RUF001 - look-alikes are what it is about

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.moderation.rules.phrases import MAX_FOUND, Phrases
from engagement.moderation.rules.spelling import LETTERS, Folded, readings

LISTED = Phrases(
    [
        "cunt", "cialis", "blood", "ass", "anal", "tit", "cock", "rape", "nig*", "spic*", "the rapist",
        "hell", "fail", "bad word", "idiot*", "fool", "scheiße", "сука", "🖕", "坏词", "kkk", "a$$hole",
        "1488", "homo*", "cum*", "sex*", "dick*", "fag*", "pussy*", "twat*",
    ]
)  # fmt: skip


def caught(text: str, phrases: Phrases = LISTED) -> list[tuple[str, str]]:
    """Each phrase that is found, and what the text has in that place."""
    return [(m.phrase, text[m.start : m.end]) for m in phrases.find(readings(Folded(text)))]


INNOCENT = [
    "Scunthorpe", "S c u n t h o r p e", "Penistone", "a specialist in realism", "bloody",
    "a classic assessment of the embassy", "analysis", "the analyst", "title", "a titanic cocktail",
    "Hitchcock", "peacock", "grape", "drapes", "therapist", "a snigger", "Nigeria", "Niger", "spicy spices",
    "hello",
    "shell", "fall", "fill", "foal", "b ad", "bad sword", "a bad wordsmith", "Dickens", "Dickinson",
    "document", "circumstance", "cumulative", "Essex", "Sussex", "pussycat", "homogeneous", "fagin", "455",
    "4 5 5", "$455", "1O0 %", "+++", "@@@ !!! $$$", "kk k", "class", "Matsushita", "Clitheroe", "ass1gn",
    "a b testing", "be at it", "if u c k", "the pen is here", "an al fresco lunch", "today's hit",
    "who re-elects", "I b ad word", "b a d", "word b a d", "J. R. R. Tolkien", "the U. S. of A.", "ba d word",
    "b. a sword", "bad wo rd", "I.T. is so, so good", "go on, do it", "14880", "an idiom", "foolproof",
    "坏的词", "https://example.com/analysis", "Bloody hello",
]  # fmt: skip


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_words_pass(text: str) -> None:
    assert caught(text) == []
    assert caught(text.upper()) == []


@pytest.mark.parametrize(
    ("text", "phrase", "where"),
    [
        ("You fool!", "fool", "fool"),
        ("FOOL", "fool", "FOOL"),
        ("f00l", "fool", "f00l"),
        ("a fo0l.", "fool", "fo0l"),
        ("foo1", "fool", "foo1"),
        ("Fóöl", "fool", "Fóöl"),
        ("ｆｏｏｌ", "fool", "ｆｏｏｌ"),
        ("𝐟𝐨𝐨𝐥", "fool", "𝐟𝐨𝐨𝐥"),
        ("ⓕⓞⓞⓛ", "fool", "ⓕⓞⓞⓛ"),
        ("fооl", "fool", "fооl"),  # two Cyrillic letters
        ("fo\u200dol", "fool", "fo\u200dol"),
        ("f o o l", "fool", "f o o l"),
        ("a f.o.o.l", "fool", "f.o.o.l"),
        ("f-0-0-1", "fool", "f-0-0-1"),
        ("_fool_", "fool", "fool"),
        ("**fool**", "fool", "fool"),
        ("fool's", "fool", "fool"),
        ("(fool)", "fool", "fool"),
        ("i d ! o t", "idiot*", "i d ! o t"),
        ("1d10tic", "idiot*", "1d10t"),
        ("id!ot!!!", "idiot*", "id!ot"),
        ("IDIOTEN", "idiot*", "IDIOT"),
        ("bad  word", "bad word", "bad  word"),
        ("bad\nword", "bad word", "bad\nword"),
        ("bad-word", "bad word", "bad-word"),
        ("bad, word", "bad word", "bad, word"),
        ("b4d w0rd", "bad word", "b4d w0rd"),
        ("b a d w o r d", "bad word", "b a d w o r d"),
        ("this b a d w o r d here", "bad word", "b a d w o r d"),
        ("I s a y b a d w o r d", "bad word", "b a d w o r d"),
        ("b.4.d word", "bad word", "b.4.d word"),
        ("a b.a.d word", "bad word", "b.a.d word"),
        ("I say b a d word.", "bad word", "b a d word"),
        ("bad w o r d I say", "bad word", "bad w o r d"),
        ("bad w0rd and b 4 d w o r d", "bad word", "b 4 d w o r d"),
        ("ba d wo rd", "bad word", "ba d wo rd"),
        ("is a ba d w.0 rd", "bad word", "ba d w.0 rd"),
        ("you id io t", "idiot*", "id io t"),
        ("BA-D-WO-RD", "bad word", "BA-D-WO-RD"),
        ("a $ $", "ass", "a $ $"),
        ("a$$", "ass", "a$$"),
        ("4ss", "ass", "4ss"),
        ("@ss", "ass", "@ss"),
        ("asshole", "a$$hole", "asshole"),
        ("a$$hole!", "a$$hole", "a$$hole"),
        ("SCHEISSE", "scheiße", "SCHEISSE"),
        ("Scheiße", "scheiße", "Scheiße"),
        ("Сука!", "сука", "Сука"),
        ("cykа", "сука", "cykа"),
        ("you🖕you", "🖕", "🖕"),
        ("这是坏词吗", "坏词", "坏词"),
        ("1488", "1488", "1488"),
        ("k.k.k.", "kkk", "k.k.k"),
        ("user@fool", "fool", "fool"),
    ],
)
def test_a_phrase_is_caught_in_every_spelling_and_maps_back(text: str, phrase: str, where: str) -> None:
    assert (phrase, where) in caught(text)


def test_a_letter_that_may_be_another_is_not_one_that_is() -> None:
    assert caught("fall") == []
    assert caught("fai1") == [("fail", "fai1")]
    assert caught("hei1") == []
    assert caught("he1l") == [("hell", "he1l")]


def test_ordinary_small_words_are_no_crumbs() -> None:
    listed = Phrases(["beat it", "onanism", "sodom"])
    assert caught("we go to it and be at it", listed) == []
    assert caught("b ea t it", listed) == [("beat it", "b ea t it")]
    assert caught("on an is m", listed) == [("onanism", "on an is m")]


def test_all_phrases_are_found_in_the_order_of_the_text_up_to_a_bound() -> None:
    assert caught("fool, fail, ass: a bad word") == [
        ("fool", "fool"), ("fail", "fail"), ("ass", "ass"), ("bad word", "bad word"),
    ]  # fmt: skip
    assert len(caught("fool " * 100)) == MAX_FOUND


def test_a_newsroom_names_innocent_words_of_its_own() -> None:
    assert caught("bloody", Phrases(["blood*"])) == [("blood*", "blood")]
    assert caught("Bloody", Phrases(["blood*"], ["bloody"])) == []


def test_overlapping_phrases_are_all_found() -> None:
    assert caught("big bad wolf", Phrases(["big bad", "bad wolf", "bad"])) == [
        ("big bad", "big bad"), ("bad", "bad"), ("bad wolf", "bad wolf"),
    ]  # fmt: skip


# Letters that no phrase below has, in any spelling.
SAFE = st.text(alphabet="cdfhjkmnpquvwxyzCDFHJ.,;:?\n '()-_*#éüçñЖЮж漢", max_size=300)
WORD = st.text(alphabet="abegilorst", min_size=3, max_size=8)


@given(st.lists(WORD, min_size=1, max_size=20), SAFE)
def test_a_text_without_a_letter_of_the_phrases_never_matches(words: list[str], text: str) -> None:
    assert caught(text, Phrases(words)) == []


SPELLINGS: dict[str, str] = {}
for _written, _meant in LETTERS.items():
    for _letter in _meant:
        if _written.isdecimal():
            SPELLINGS.setdefault(_letter, "")
            SPELLINGS[_letter] += _written
MARKS = st.sampled_from([" ", ". ", ", ", "\n", " - ", "… ", " (", "\u3000"])


@st.composite
def planted(draw: Any) -> tuple[str, str, str]:
    """A phrase, the text that it is hidden in, and how it is spelled there."""
    phrase = " ".join(draw(st.lists(WORD, min_size=1, max_size=3)))
    spelled = ""
    for number, char in enumerate(phrase):
        how = draw(st.sampled_from(["plain", "plain", "upper", "wide", "leet", "accent"]))
        if char == " ":
            spelled += draw(MARKS)
        elif how == "upper":
            spelled += char.upper()
        elif how == "wide":
            spelled += chr(ord(char) - ord("a") + ord("ａ"))
        elif how == "leet" and number and char in SPELLINGS:  # one letter stays, or it is a number
            spelled += draw(st.sampled_from(SPELLINGS[char]))
        elif how == "accent" and char in "aeiou":
            spelled += {"a": "á", "e": "ê", "i": "ï", "o": "õ", "u": "û"}[char]
        else:
            spelled += char
    return phrase, draw(SAFE) + draw(MARKS) + spelled + draw(MARKS) + draw(SAFE), spelled


@given(planted())
def test_a_planted_phrase_is_found_and_maps_back(hidden: tuple[str, str, str]) -> None:
    phrase, text, spelled = hidden
    assert (phrase, spelled) in caught(text, Phrases([phrase]))


@given(st.text(max_size=200), st.lists(st.text(min_size=1, max_size=10), max_size=10))
def test_whatever_is_given_each_match_stands_within_the_text(text: str, phrases: list[str]) -> None:
    for match in Phrases(phrases).find(readings(Folded(text))):
        assert 0 <= match.start < match.end <= len(text)


def lines_run(text: str, phrases: Phrases) -> int:
    """How many lines of our own code a check of the text runs: what it costs, without a clock."""
    count = 0

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace if "moderation" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        phrases.find(readings(Folded(text)))
    finally:
        sys.settrace(before)
    return count


HARD = Phrases(
    [*(("a " * length).strip() for length in range(1, 50)), "l " * 49 + "l", "b" * 100, "b" * 99 + "a"]
)
PIECES = [
    "a ", "l ", "i ", "1 ", "! ", "$", ".", "@a", "а ", "é ", "e\u0301", "b" * 99 + " ", "!!!!a", "🖕", "漢",
    " \n", "ab ", "ab c ", "a a a ab ", "abc a a a ",
]  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
def test_the_work_grows_with_the_text_and_no_faster(piece: str) -> None:
    short, long = piece * (1_000 // len(piece)), piece * (5_000 // len(piece))
    lines_run(short, HARD)  # characters that are new are looked up once
    assert lines_run(long, HARD) <= 6 * lines_run(short, HARD) + 200
