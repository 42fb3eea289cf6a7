"""One spelling for many: case, width, accents, look-alike letters; words and where they stood. Pure.

What comes out is for comparing alone. Each character of it knows the character of the text that it came from.
All of it takes time linear in the text.
"""

# ruff: noqa: RUF001 - look-alikes are what it is about

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache, cached_property
from typing import Final

# Letters that are drawn as Latin ones, after case, width and accents are gone, and what they are drawn as:
# Cyrillic, Greek, Armenian, Cherokee; then Latin letters that don't come apart by themselves. From the
# confusables of Unicode Technical Standard 39, as far as they pass for small letters in most fonts.
_DRAWN_AS: Final = {
    "а": "a", "в": "b", "с": "c", "ԁ": "d", "е": "e", "һ": "h", "і": "i", "ј": "j", "к": "k", "м": "m",
    "н": "h", "о": "o", "р": "p", "ԛ": "q", "ѕ": "s", "т": "t", "у": "y", "ѵ": "v", "ԝ": "w", "х": "x",
    "ӏ": "l", "ь": "b", "α": "a", "β": "b", "ε": "e", "ι": "i", "κ": "k", "ν": "v", "ο": "o", "ρ": "p",
    "τ": "t", "υ": "u", "χ": "x", "γ": "y", "ω": "w", "σ": "o", "ս": "u", "օ": "o", "հ": "h", "ո": "n",
    "ց": "g", "զ": "q", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ŧ": "t", "þ": "th",
    "æ": "ae", "œ": "oe", "ƒ": "f", "ɡ": "g", "ɑ": "a", "ɩ": "i", "ʏ": "y", "ᴀ": "a", "ʙ": "b", "ᴄ": "c",
    "ᴅ": "d", "ᴇ": "e", "ɢ": "g", "ʜ": "h", "ɪ": "i", "ᴊ": "j", "ᴋ": "k", "ʟ": "l", "ᴍ": "m", "ɴ": "n",
    "ᴏ": "o", "ᴘ": "p", "ʀ": "r", "ꜱ": "s", "ᴛ": "t", "ᴜ": "u", "ᴠ": "v", "ᴡ": "w", "ᴢ": "z", "¡": "!",
    "ɐ": "a", "ǝ": "e", "ɔ": "c", "ƨ": "s", "ɛ": "e",
}  # fmt: skip
# Accents and points; the vowel signs of other scripts are a part of the word.
_ACCENTS: Final = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u064b-\u065f\u0670\u06d6-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff"
    "\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]"
)
# Scripts that put no spaces between words, and pictures: each character stands for itself.
_ALONE: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2600-\u27bf\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U0001f000-\U0001faff\U00020000-\U0003ffff"
)
_NOT_ALONE: Final = (
    "0-9a-z\x80-\u0dff\u0f00-\u0fff\u10a0-\u177f\u1800-\u25ff\u27c0-\u2e7f\u3100-\u33ff\ua000-\uf8ff"
    "\ufb00-\U0001efff\U0001fb00-\U0001ffff\U00040000-\U0010ffff"
)
_IS_ALONE: Final = re.compile(f"[{_ALONE}]")

SMALL_WORDS: Final = frozenset("ai")
SYMBOLS: Final = "@$!|+"
"""Which some write for letters; they may be marks between words as well."""
_SYMBOLS_INSIDE: Final = re.compile(
    rf"[{re.escape(SYMBOLS)}](?=[{_NOT_ALONE}])|(?<=[{_NOT_ALONE}])[@$]|(?<= )[{re.escape(SYMBOLS)}](?= )"
)
_MARKS_AT_END: Final = "!|+"
_WORDS: Final = re.compile(f"[{_ALONE}]|[{_NOT_ALONE}]+")
_WORDS_WITH_SYMBOLS: Final = re.compile(f"[{_ALONE}]|[{_NOT_ALONE}{re.escape(SYMBOLS)}]+")

# In a line of words, three or more in a row that have so many letters at most.
_LETTERS_ALONE: Final = "(?<= )(?:{letter} ){{3,}}"
_CRUMBS: Final = "(?<= )(?:{letter}{{1,2}} ){{3,}}"
_ANY_LETTER: Final = f"[{_NOT_ALONE}{re.escape(SYMBOLS)}]"


@cache
def _run(shape: str, ascii: bool) -> re.Pattern[str]:
    """What is ASCII is looked through faster."""
    return re.compile(shape.format(letter="[^ ]" if ascii else _ANY_LETTER))


LETTERS: Final = {
    "0": "o", "1": "il", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g",
    "@": "a", "$": "s", "!": "il", "|": "il", "+": "t",
}  # fmt: skip
"""What else a character may stand for."""
_KEY: Final = str.maketrans({written: letters[0] for written, letters in LETTERS.items()} | {"l": "i"})


_MAY_STAND_FOR: Final = re.compile(f"[{re.escape(''.join(LETTERS))}]")


def key_of(text: str) -> str:
    """The same for all that may be the same: i, l, 1, ! and | are one. As long as the text."""
    return text.translate(_KEY)


def stands_for(written: str, meant: str) -> bool:
    """May `written`, in a text, be `meant`, in a phrase? Both are of one length, and have one key."""
    if written == meant:
        return True
    for w, m in zip(written, meant, strict=True):
        if w != m and m not in LETTERS.get(w, "") and not (m in SYMBOLS and w in LETTERS[m]):
            return False
    # Without a letter it is a number or a row of marks, and says what it says.
    return any(map(str.isalpha, written))


class _Folds(dict[str, str]):
    """A character → what it is folded to, found out once."""

    def __missing__(self, char: str) -> str:
        folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
        folded = _ACCENTS.sub("", "".join(_DRAWN_AS.get(one, one) for one in folded))
        folded = "".join(one if self._counts(one) else self._gap(one) for one in folded)
        if len(self) < 65_536:
            self[char] = folded
        return folded

    @staticmethod
    def _counts(one: str) -> bool:
        # What is ASCII is sorted out by the patterns for words.
        return (
            one.isascii()
            or one.isalnum()
            or bool(_IS_ALONE.match(one))
            or unicodedata.category(one)[0] == "M"
        )

    @staticmethod
    def _gap(one: str) -> str:
        return "" if unicodedata.category(one) == "Cf" else " "


_FOLDS: Final = _Folds()


class Folded:
    """A text in one spelling. `at`: for each of its characters the place in the text; None: the same."""

    __slots__ = ("at", "text")

    def __init__(self, text: str) -> None:
        self.at: list[int] | None = None
        if text.isascii():
            self.text = text.lower()
            return
        pieces = [_FOLDS[char] for char in text]
        self.text = "".join(pieces)
        self.at = [place for place, piece in enumerate(pieces) for _ in piece]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where in the text as it was written these characters stand."""
        if self.at is None:
            return start, end
        return self.at[start], self.at[end - 1] + 1


class Words:
    """The words of a folded text, in one line with a space around each: ` some words `."""

    def __init__(self, folded: Folded, *, symbols: bool) -> None:
        """`symbols`: as letters, or as marks between words."""
        self._folded = folded
        pattern = _WORDS_WITH_SYMBOLS if symbols else _WORDS
        self.words: list[str] = []
        self._places: list[int] = []
        for match in pattern.finditer(folded.text):
            word = match[0]
            if symbols and word[-1] in _MARKS_AT_END and len(word) > 1:
                word = word.rstrip(_MARKS_AT_END)
                if not word:
                    continue
            self.words.append(word)
            self._places.append(match.start())
        self.line = f" {' '.join(self.words)} "
        self.literal = not _MAY_STAND_FOR.search(self.line)
        """Has it nothing that may stand for something else?"""

    @cached_property
    def _starts(self) -> list[int]:
        """Where each word begins in the line."""
        starts, at = [], 1
        for word in self.words:
            starts.append(at)
            at += len(word) + 1
        return starts

    def word_at(self, place: int) -> int:
        """The number of the word that stands at this place of the line."""
        return bisect_right(self._starts, place) - 1

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where in the text as it was written this part of the line stands; it begins and ends in words."""
        first, last = self.word_at(start), self.word_at(end - 1)
        return self._folded.span(
            self._places[first] + start - self._starts[first], self._places[last] + end - self._starts[last]
        )

    def span_of(self, first: int, last: int) -> tuple[int, int]:
        """The same of whole words, by their numbers."""
        return self._folded.span(self._places[first], self._places[last] + len(self.words[last]))

    def spelled(self) -> Sequence[tuple[int, str]]:
        """Letters that stand alone, three or more in a row: the number of the first, and all of them."""
        return [(first, "".join(self.words[first:end])) for first, end in self._runs(_LETTERS_ALONE)]

    def crumbs(self) -> Sequence[tuple[int, list[str]]]:
        """Words of one letter or two, three or more in a row: the number of the first, and all of them."""
        found = [(first, self.words[first:end]) for first, end in self._runs(_CRUMBS)]
        return [(first, words) for first, words in found if any(len(word) == 2 for word in words)]

    def joined(self) -> Sequence[Words]:
        """The same with letters that stand alone as one word; and without an "a" or "I" before and after.

        Nothing, where no letters stand alone, or nothing else does.
        """
        runs = self._runs(_LETTERS_ALONE)
        if not runs or (len(runs) == 1 and runs[0] == (0, len(self.words))):
            return ()
        shorter = [
            (first + (self.words[first] in SMALL_WORDS), end - (self.words[end - 1] in SMALL_WORDS))
            for first, end in runs
        ]
        return [_Joined(self, each) for each in ((runs, shorter) if shorter != runs else (runs,))]

    def _runs(self, shape: str) -> list[tuple[int, int]]:
        """The first word of each run, and the one after its last."""
        found = []
        for match in _run(shape, self.line.isascii()).finditer(self.line):
            first = self.word_at(match.start())
            found.append((first, first + match[0].count(" ")))
        return found


class _Joined(Words):
    """Words, of which some are made of several that stand in the text."""

    def __init__(self, of: Words, runs: Sequence[tuple[int, int]]) -> None:
        self._of = of
        self.words = []
        self._numbers: list[tuple[int, int]] = []
        at = 0
        for first, end in [*runs, (len(of.words), len(of.words))]:
            self.words += of.words[at:first]
            self._numbers += [(number, number) for number in range(at, first)]
            if first < end:
                self.words.append("".join(of.words[first:end]))
                self._numbers.append((first, end - 1))
            at = end
        self.line = f" {' '.join(self.words)} "
        self.literal = of.literal

    def span(self, start: int, end: int) -> tuple[int, int]:
        """See `Words.span`; to the end of its last word."""
        return self._of.span_of(
            self._numbers[self.word_at(start)][0], self._numbers[self.word_at(end - 1)][1]
        )


def readings(folded: Folded) -> list[Words]:
    """The one or two ways to read it: symbols as marks between words, and as letters."""
    plain = Words(folded, symbols=False)
    if _SYMBOLS_INSIDE.search(folded.text):
        return [plain, Words(folded, symbols=True)]
    return [plain]
