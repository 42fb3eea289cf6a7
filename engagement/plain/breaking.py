"""Places at which a long word may break, so that no text is wider than its page, styled or not. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from markupsafe import Markup, escape

LONGEST: Final = 30
"""Characters of a word that is left whole, if it has letters."""
PIECE: Final = 12
"""Characters of a longer one that stay together."""
MARKS: Final = 12
"""Marks that stay with their letter: no language has so many, and some are as wide as a letter."""
QUOTES: Final = 2
"""Levels of quotes that are shown."""

# Not the spaces at which no line breaks.
_SPACE: Final = r"[^\S\u00a0\u2007\u202f]"
_TOKEN: Final = re.compile(rf"<[^>]*>|&[^;\s<]{{1,10}};|{_SPACE}+|.", re.DOTALL)
_LONG_WORD: Final = re.compile(rf"[\S\u00a0\u2007\u202f]{{{PIECE + 1}}}")
_CODE: Final = re.compile(r"<pre><code[^>]*>(.*?)\n?</code></pre>", re.DOTALL)
_QUOTE: Final = re.compile("</?blockquote>")
_INDENT: Final = re.compile(r"^ +| (?= )", re.MULTILINE)
_JOINER: Final = "\u200d"
_CUT: Final = "\u200b"
"""A line may begin after it even within what browsers take for one character; `<wbr>` does nothing there."""
_MARKS: Final = frozenset({"Mn", "Me", "Mc", "Cf", "Sk"})
_VOWELS: Final = "\u0e33\u0eb3"
"""Letters that browsers take for marks."""


def breakable(text: str | None) -> Markup:
    """Plain text as HTML, with `<wbr>` in its long words."""
    return _broken(str(escape(text or "")))


def breakable_html(html: str) -> Markup:
    """The HTML of a comment, as `rendering.render` gives it, with `<wbr>` in its long words.

    Lines of code may break as well: `<pre>` would keep them whole. Quotes in quotes in quotes stand with
    those around them: each is narrower by 80 pixels in a page that says nothing of quotes.
    """
    return _broken(_shallow(_CODE.sub(_code, html)))


def _shallow(html: str) -> str:
    depth = 0

    def keep(tag: re.Match[str]) -> str:
        nonlocal depth
        depth += 1 if tag[0] == "<blockquote>" else 0
        kept = tag[0] if depth <= QUOTES else ""
        depth -= 1 if tag[0] == "</blockquote>" else 0
        return kept

    return _QUOTE.sub(keep, html)


def _code(block: re.Match[str]) -> str:
    kept = _INDENT.sub(lambda spaces: "\u00a0" * len(spaces[0]), block[1])
    lines = kept.replace("\n", "<br>\n")
    return f'<p class="engagement-code"><code>{lines}</code></p>'


def _broken(html: str) -> Markup:
    if not _LONG_WORD.search(html):
        return Markup(html)
    out: list[str] = []
    word: list[str] = []
    for token in _TOKEN.findall(html):
        if _is_space(token):
            out += _pieces(word)
            out.append(token)
            word = []
        else:
            word.append(token)
    return Markup("".join(out + _pieces(word)))


def _is_space(token: str) -> bool:
    return token.isspace() and token[0] not in "\u00a0\u2007\u202f"


def _pieces(word: list[str]) -> list[str]:
    """A word (its characters, entities and tags) as it is, or with `<wbr>`."""
    characters = [token for token in word if not token.startswith("<")]
    longest = LONGEST if any(token.isalpha() for token in characters) else PIECE
    if len(characters) <= longest:
        return word
    out: list[str] = []
    length, marks, before = 0, 0, ""
    for token in word:
        if not token.startswith("<"):
            is_mark = unicodedata.category(token[0]) in _MARKS or token in _VOWELS
            if length >= PIECE and before != _JOINER and not is_mark and not _is_picture(token):
                out.append("<wbr>")
                length = 0
            elif is_mark and marks >= MARKS:
                out.append(_CUT)
                marks = 0
            length += 1
            marks = marks + 1 if is_mark else 0
            before = token
        out.append(token)
    return out


def _is_picture(char: str) -> bool:
    """Browsers break between emoji by themselves."""
    return unicodedata.category(char[0]) == "So"
