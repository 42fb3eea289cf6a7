"""Places at which a long word may break, so that no text is wider than its page, styled or not. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from markupsafe import Markup, escape

LONGEST: Final = 30
"""Characters of a word that is left whole."""
PIECE: Final = 12
"""Characters of a longer one that stay together."""

_TOKEN: Final = re.compile(r"<[^>]*>|&[^;\s<]{1,10};|\s+|.", re.DOTALL)
_LONG_WORD: Final = re.compile(rf"\S{{{LONGEST + 1}}}")
_JOINER: Final = "\u200d"


def breakable(text: str | None) -> Markup:
    """Plain text as HTML, with `<wbr>` in its long words."""
    return _broken(str(escape(text or "")))


def breakable_html(html: str) -> Markup:
    """The HTML of a comment, as `rendering.render` gives it, with `<wbr>` in its long words."""
    return _broken(html)


def _broken(html: str) -> Markup:
    if not _LONG_WORD.search(html):
        return Markup(html)
    out: list[str] = []
    word: list[str] = []
    for token in _TOKEN.findall(html):
        if token.isspace():
            out += _pieces(word)
            out.append(token)
            word = []
        else:
            word.append(token)
    return Markup("".join(out + _pieces(word)))


def _pieces(word: list[str]) -> list[str]:
    """A word (its characters, entities and tags) as it is, or with `<wbr>`."""
    if sum(not token.startswith("<") for token in word) <= LONGEST:
        return word
    out: list[str] = []
    length, before = 0, ""
    for token in word:
        if not token.startswith("<"):
            if length >= PIECE and before != _JOINER and _may_begin_a_line(token[0]):
                out.append("<wbr>")
                length = 0
            length += 1
            before = token
        out.append(token)
    return out


def _may_begin_a_line(char: str) -> bool:
    """Not a mark, joiner or modifier, which belongs to what is before it; browsers break between emoji."""
    return unicodedata.category(char) not in {"Mn", "Me", "Mc", "Cf", "Sk", "So"}
