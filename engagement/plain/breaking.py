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
QUOTES: Final = 2
"""Levels of quotes that are shown."""

# Not the spaces at which no line breaks.
_SPACE: Final = r"[^\S\u00a0\u2007\u202f]"
_TOKEN: Final = re.compile(rf"<[^>]*>|&[^;\s<]{{1,10}};|{_SPACE}+|.", re.DOTALL)
_LONG_WORD: Final = re.compile(rf"[\S\u00a0\u2007\u202f]{{{LONGEST + 1}}}")
_CODE: Final = re.compile(r"<pre><code[^>]*>(.*?)\n?</code></pre>", re.DOTALL)
_QUOTE: Final = re.compile("</?blockquote>")
_INDENT: Final = re.compile(r"^ +| (?= )", re.MULTILINE)
_JOINER: Final = "\u200d"


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
