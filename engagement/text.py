"""Cleaning what a reader typed, before it is stored: comments (many lines) and names (one line).

Cleaned text is NFC, has no character that acts without being seen, and looks like something. It is still
plain text: whoever puts it into HTML escapes it, or hands it to `rendering.render`.
"""

import re
import unicodedata
from textwrap import dedent
from typing import Final

# Enough for a letter of Hebrew with its points or of Vietnamese with its tones. More is "Zalgo" text, which
# runs over the lines above and below. Spacing marks (Mc: vowels of Burmese, Devanagari) have a width and are
# counted by themselves.
MAX_MARKS: Final = 4
# But no line breaks within a letter and all its marks, and no word has so many that have a width.
MAX_SPACING_MARKS: Final = 8
MAX_NEWLINES: Final = 3

_LINE_ENDS: Final = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_MANY_NEWLINES: Final = re.compile(rf"\n{{{MAX_NEWLINES + 1},}}")

# The only sequences of tag characters that Unicode recommends for interchange (emoji-sequences.txt):
# the flags of England, Scotland and Wales.
_TAG_FLAGS: Final = "|".join(
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(char)) for char in region) + "\U000e007f"
    for region in ("gbeng", "gbsct", "gbwls")
)
_UNSEEN: Final = re.compile(
    f"({_TAG_FLAGS})|["
    "\x00-\x08\x0e-\x1f\x7f-\x9f"  # control characters, save those that end a line and the tab
    "\u202a-\u202e\u2066-\u2069"  # bidi embeddings, overrides and isolates: they turn what follows around
    "\u00ad\u180e\u200b\u2060-\u2064\u206a-\u206f\ufeff"  # zero-width spaces and operators, soft hyphen
    "\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # annotation, shorthand and music controls
    "\U000e0000-\U000e007f"  # tags
    "\ud800-\udfff\ufdd0-\ufdef"  # lone surrogates, noncharacters
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)
# Joiners (ZWNJ, ZWJ) shape Persian, Indic scripts and emoji. After ASCII, a space or another joiner they do
# nothing.
_IDLE_JOINERS: Final = re.compile("(?<![^\x00-\x7f\\s\u200c\u200d])[\u200c\u200d]+")

# Letters and symbols that are drawn as nothing: Hangul fillers, the blank of Braille, an empty note head.
_BLANKS: Final = "\u115f\u1160\u3164\uffa0\u2800\U0001d159"
_BLANKS_TO_SPACES: Final = str.maketrans(dict.fromkeys("\u3164\uffa0\u2800", " "))
_VOWELS_AM: Final = "\u0e33\u0eb3"  # of Thai and Lao: letters by category that stand as marks do
_INVISIBLE_CATEGORIES: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Mn"})


def clean_text(text: str, *, max_length: int, multiline: bool = True) -> str:
    """Return `text` cleaned: NFC, visible, with lines ended by "\\n" alone.

    Control, bidi-override, tag and needless zero-width characters, noncharacters and lone surrogates go; tabs
    become spaces; of the combining marks on one letter the first four stay. With `multiline`, spaces at the
    ends of lines and indentation shared by all lines go, and more than two blank lines become two; without,
    any run of white space is one space.
    Idempotent, in time linear in the text.

    Raises ValueError, its message a predicate fit to follow a field's name: "is empty" if nothing would be
    seen, "is longer than N characters" if more than `max_length` code points are left after cleaning.
    """
    text = unicodedata.normalize("NFC", text)
    if not (text.isascii() and text.isprintable()):
        text = _LINE_ENDS.sub("\n", text).replace("\t", " ")
        if not multiline:
            text = text.translate(_BLANKS_TO_SPACES)
        text = _UNSEEN.sub(lambda match: match[1] or "", text)
        text = _IDLE_JOINERS.sub("", text)
        # What was taken away may have stood between a letter and its mark.
        text = unicodedata.normalize("NFC", _cap_marks(unicodedata.normalize("NFC", text)))
    if multiline:
        # By line, since a pattern for spaces before a newline takes quadratic time on a long run of spaces.
        text = "\n".join(line.rstrip() for line in text.split("\n"))
        # Less the indentation that all lines share, or a list would lose that of its first item alone.
        text = dedent(_MANY_NEWLINES.sub("\n" * MAX_NEWLINES, text)).strip()
    else:
        text = " ".join(text.split())
    if not looks_like_something(text):
        raise ValueError("is empty")
    if len(text) > max_length:
        raise ValueError(f"is longer than {max_length} characters")
    return text


def looks_like_something(text: str) -> bool:
    """Whether any character of `text` is drawn: not a space, a format character, a mark alone or a blank."""
    return any(
        char not in _BLANKS and unicodedata.category(char) not in _INVISIBLE_CATEGORIES for char in text
    )


def _cap_marks(text: str) -> str:
    """Drop the marks past the two limits on one base; a joiner begins no new base."""
    if text.isascii():
        return text
    kept: list[str] = []
    marks = spacing = 0
    for char in text:
        category = unicodedata.category(char)
        if category in {"Mn", "Me"}:
            marks += 1
            if marks > MAX_MARKS:
                continue
        elif category == "Mc" or char in _VOWELS_AM:
            spacing += 1
            if spacing > MAX_SPACING_MARKS:
                continue
        elif category != "Cf":
            marks = spacing = 0
        kept.append(char)
    return "".join(kept)
