"""Finds phrases as words of a text, however they are spelled, in time linear in the text. Pure.

One automaton (Aho and Corasick, 1975) looks for all of them at once, with the space before and after: a part
of a longer word is none. `idiot*` also finds what begins so. Letters that stand alone are read as one word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Final

from ahocorasick_rs import AhoCorasick

from engagement.moderation.rules.spelling import SMALL_WORDS, SYMBOLS, Folded, Words, key_of, stands_for

MAX_FOUND: Final = 20
"""Of one text: who is to decide on it needs no more."""
SPELLED: Final = 3
"""Letters of the shortest phrase that is looked for in letters that stand alone."""
INSIDE: Final = 5
"""Letters of the shortest one that may have others before and after it there."""
CRUMBS: Final = 3
"""Of a phrase that is broken into them, at least."""
_SYMBOLS: Final = frozenset(SYMBOLS)
WINDOW: Final = 200
"""Characters that are looked through at once: whoever has found enough looks no further."""
# Ordinary words among crumbs: where all of them are, somebody just writes so.
_ORDINARY: Final = frozenset(
    """
    a i am an as at be by do go ha he hi if in is it me mr ms my no of oh ok on or so to up us we
    al de da du el en es et eu il im je la le les lo ma mi ne ni nu on ou se si so su te tu um un va wo ya zu
    """.split()  # noqa: SIM905 - to be read
)

# What begins, or is spelled, as something else that newsrooms look for. All are folded.
INNOCENT: Final = frozenset(
    """
    analyse analyses analysis analyst analysts analytic analytics analogue analogy analogous
    arsenal arsenic assassin assassins assemble assembly assent assert assess assessed assessment asset assets
    assign assist assistant associate assume assumed assumption assure bassist bass
    clitheroe cockatoo cockburn cockerel cockney cockpit cockroach cockroaches cocktail cocktails
    cumbersome cumberland cumbria cumin cumulative cumulus dickens dickensian dickinson dickson
    document documents documenting fagin faggio hellebore hello helm help helmet homophone homogeneous
    homologue hummus
    matsushita nigella niger nigeria nigerian nigerians niggardly niggle niggles niggling
    paedagogue paediatric paediatrics paediatrician penistone pussycat pussyfoot pussywillow
    rapeseed rapid rapidly rapier rapport rapporteur raptor rapture
    scunthorpe sexagenarian sextant sextet sexton
    shitake shiitake slutsk spice spices spicier spiciest spiciness spick spicy
    therapist therapists titan titanic titanium titans tithe title titles titled titular titus
    twatt wankel whoremonger essex middlesex sussex lightwater
    """.split()  # noqa: SIM905 - to be read
)


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase as it was given, and where in the text it stands."""

    phrase: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Pattern:
    phrase: str
    text: str
    """As words, folded."""
    letters: str
    """The same without spaces."""
    prefix: bool
    literal: bool
    """Has it no symbol that a letter may stand for?"""


def words_of(phrase: str) -> str:
    """A phrase as it is looked for, without its star; empty: it has no letter, digit or picture."""
    return " ".join(Words(Folded(phrase.removesuffix("*")), symbols=True).words)


class Phrases:
    """Phrases to be looked for. Building it takes about as long as reading them."""

    def __init__(self, phrases: Iterable[str], innocent: Iterable[str] = ()) -> None:
        """`innocent`: words that pass, whatever they begin with."""
        self._innocent = INNOCENT | {words_of(word) for word in innocent}
        self._whole: list[list[_Pattern]] = []
        self._spelled: list[list[_Pattern]] = []
        whole: dict[str, list[_Pattern]] = {}
        spelled: dict[str, list[_Pattern]] = {}
        for phrase in dict.fromkeys(phrases):
            text = words_of(phrase)
            if not text:
                continue
            pattern = _Pattern(
                phrase, text, text.replace(" ", ""), phrase.endswith("*"), not _SYMBOLS & set(text)
            )
            key = key_of(text)
            whole.setdefault(f" {key}" if pattern.prefix else f" {key} ", []).append(pattern)
            letters = key.replace(" ", "")
            if len(letters) >= SPELLED:
                spelled.setdefault(letters, []).append(pattern)
        self._longest = max(map(len, whole), default=0)
        self._find_whole = _automaton(whole, self._whole)
        self._find_spelled = _automaton(spelled, self._spelled)

    def find(self, readings: Sequence[Words]) -> list[Match]:
        """The matches of a text, in its order, each once; `MAX_FOUND` at most."""
        found: dict[Match, None] = {}
        for words in readings:
            for look in (self._in_words, self._in_letters, self._in_crumbs):
                found |= dict.fromkeys(islice(look(words), MAX_FOUND))
            for joined in words.joined():
                found |= dict.fromkeys(islice(self._in_words(joined), MAX_FOUND))
        return sorted(found, key=lambda match: (match.start, match.end))[:MAX_FOUND]

    def _in_words(self, words: Words) -> Iterator[Match]:
        if self._find_whole is None:
            return
        line = words.line
        for number, start, _ in self._matches(self._find_whole, key_of(line)):
            for pattern in self._whole[number]:
                begin, end = start + 1, start + 1 + len(pattern.text)
                if line[begin:end] != pattern.text and (
                    (words.literal and pattern.literal) or not stands_for(line[begin:end], pattern.text)
                ):
                    continue
                if pattern.prefix and words.words[words.word_at(end - 1)] in self._innocent:
                    continue
                yield Match(pattern.phrase, *words.span(begin, end))

    def _in_letters(self, words: Words) -> Iterator[Match]:
        if self._find_spelled is None:
            return
        for first, letters in words.spelled():
            if letters in self._innocent:
                continue
            for number, start, end in self._matches(self._find_spelled, key_of(letters)):
                for pattern in self._spelled[number]:
                    written, meant = letters[start:end], pattern.letters
                    if written != meant and (
                        (words.literal and pattern.literal) or not stands_for(written, meant)
                    ):
                        continue
                    alone = _is_small(letters[:start]) and (pattern.prefix or _is_small(letters[end:]))
                    if alone or end - start >= INSIDE:
                        yield Match(pattern.phrase, *words.span_of(first + start, first + end - 1))

    def _in_crumbs(self, words: Words) -> Iterator[Match]:
        """`ba d wo rd`: no crumb is cut, there are three or more, and one of them at least is no word."""
        if self._find_spelled is None:
            return
        for first, crumbs in words.crumbs():
            letters = "".join(crumbs)
            ends = dict(zip(accumulate(map(len, crumbs)), range(1, len(crumbs) + 1), strict=True))
            ends[0] = 0
            for number, start, end in self._matches(self._find_spelled, key_of(letters)):
                if end - start < INSIDE or start not in ends or end not in ends:
                    continue
                here = crumbs[ends[start] : ends[end]]
                if len(here) < CRUMBS or all(crumb in _ORDINARY for crumb in here):
                    continue
                for pattern in self._spelled[number]:
                    written = letters[start:end]
                    if written == pattern.letters or (
                        not (words.literal and pattern.literal) and stands_for(written, pattern.letters)
                    ):
                        place = words.span_of(first + ends[start], first + ends[end] - 1)
                        yield Match(pattern.phrase, *place)

    def _matches(self, automaton: AhoCorasick, text: str) -> Iterator[tuple[int, int, int]]:
        """Number, start and end of each match, in parts."""
        for begin in range(0, len(text), WINDOW):
            part = text[begin : begin + WINDOW + self._longest]
            for number, start, end in automaton.find_matches_as_indexes(part, overlapping=True):
                if start < WINDOW:
                    yield number, begin + start, begin + end


def _is_small(letters: str) -> bool:
    """Nothing, or a word of one letter: "a", "I"."""
    return not letters or letters in SMALL_WORDS


def _automaton(keys: dict[str, list[_Pattern]], patterns: list[list[_Pattern]]) -> AhoCorasick | None:
    patterns.extend(keys.values())
    return AhoCorasick(list(keys), store_patterns=False) if keys else None
