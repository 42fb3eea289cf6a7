"""`python -m tests.bench.rules`: how long a check of a comment against 5,000 phrases takes.

Comments of 5,000 characters of several kinds, and one of usual length; median and longest of many checks,
beside a bare pass over the same text (`lower()` and a pattern for words), which looks for nothing. The hard
kinds are made to cost: nothing but separators, look-alikes, letters that stand alone, the longest beginnings.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import time
from collections.abc import Callable
from random import Random

from engagement.moderation.rules.phrases import Phrases
from engagement.moderation.rules.spelling import Folded, readings

LENGTH = 5_000
PHRASES = 5_000
WORDS = re.compile(r"\w+")


def main() -> None:
    """Build, check, print."""
    parser = argparse.ArgumentParser(prog="tests.bench.rules", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="of each kind of text")
    options = parser.parse_args()
    random = Random(7)
    phrases = listed(random)
    began = time.perf_counter()
    automaton = Phrases(phrases)
    print(f"{len(phrases):,} phrases built in {1e3 * (time.perf_counter() - began):.0f} ms", flush=True)
    for kind, text in texts(random, phrases).items():
        checked = timed(check_of(automaton, text), options.rounds)
        bare = timed(bare_pass(text), options.rounds)
        times = round(checked["median"] / bare["median"], 1)
        print(
            f"{kind}, {len(text):,} characters: "
            + json.dumps({"check": checked, "bare": bare, "times": times})
        )


def listed(random: Random) -> list[str]:
    """Words and pairs of them, a few with a star; the last ones are as long as they may be."""
    words = [word(random, "abcdefghiklmnoprstuvwy", 4, 12) for _ in range(20_000)]
    some = [" ".join(random.sample(words, random.choice((1, 1, 1, 2, 3)))) for _ in range(2 * PHRASES)]
    found = list(dict.fromkeys(phrase + "*" * (random.random() < 0.1) for phrase in some))[: PHRASES - 109]
    long = "a" * 99
    nested = [("a " * length).strip() for length in range(1, 51)]
    return list(dict.fromkeys([*found, *nested, *(long[:length] + "b" for length in range(40, 99))]))


def texts(random: Random, phrases: list[str]) -> dict[str, str]:
    """By what they are."""
    lexicon = [word(random, "etaoinshrdlucmfwypvbgkjqxz", 2, 10) for _ in range(3_000)]
    plain = " ".join(random.choices(lexicon, k=1_500))
    accents = plain.translate(str.maketrans("eoc", "éöç"))
    leet = plain.translate(str.maketrans("eoia", "30!@"))
    cyrillic = plain.translate(str.maketrans("aeopcyx", "аеорсух"))  # noqa: RUF001 - look-alikes
    hard: dict[str, str] = {
        "nothing but marks": ".-_!@ " * LENGTH,
        "nothing but look-alikes": "\u0430\u0435\u043e\u0440\u0441" * LENGTH,
        "letters that stand alone": "l " * LENGTH,
        "digits for letters that stand alone": "1 " * LENGTH,
        "the longest beginnings": ("a" * 98 + " ") * LENGTH,
        "phrases one after another": " ".join(phrases),
        "nested phrases": "a " * LENGTH,
        "pictures": "\U0001f595" * LENGTH,
    }
    soft: dict[str, str] = {
        "plain": plain,
        "accents": accents,
        "digits and marks for letters": leet,
        "look-alikes": cyrillic,
    }
    return {
        "a usual comment": plain[:200],
        **{kind: text[:LENGTH] for kind, text in {**soft, **hard}.items()},
    }


def word(random: Random, letters: str, least: int, most: int) -> str:
    """A word of these letters."""
    return "".join(random.choices(letters, k=random.randint(least, most)))


def check_of(automaton: Phrases, text: str) -> Callable[[], object]:
    """What a rule does with a text."""
    return lambda: automaton.find(readings(Folded(text)))


def bare_pass(text: str) -> Callable[[], object]:
    """The least that anything could do with it."""
    return lambda: WORDS.findall(text.lower())


def timed(call: Callable[[], object], rounds: int) -> dict[str, float]:
    """Median and longest, in milliseconds."""
    took = []
    call()
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        took.append(1e3 * (time.perf_counter() - began))
    return {"median": round(statistics.median(took), 3), "longest": round(max(took), 3)}


if __name__ == "__main__":
    main()
