"""Markdown of a comment → HTML that is safe to put into a publisher's page.

Three walls: the parser (CommonMark by markdown-it-py) knows no raw HTML and no schemes but ours, what it
writes goes through an allow-list (Ammonia, by nh3), and size and depth are bounded. A comment is stored
with the version of the renderer that made its HTML, so that after a change here it can be rendered again.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from html import escape, unescape
from typing import Final

import ada_url
import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, blockquote, list_block
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from engagement.text import looks_like_something

# Raised whenever a text would give other HTML than before.
RENDERER_VERSION: int = 1

TAGS: Final = frozenset({"p", "br", "strong", "em", "a", "ul", "ol", "li", "blockquote", "code", "pre"})
LINK_REL: Final = "nofollow ugc noopener"

# HTML bytes for each byte of text. A short text may use up the floor: one link alone costs about 60 bytes.
MAX_GROWTH: Final = 8
SIZE_FLOOR: Final = 512

# A quote is one level, a list two (itself and its item). Marks of deeper ones are shown as they were typed.
MAX_LEVEL: Final = 8
# The parser's own limit, past which it drops blocks, so it must not be met; it also bounds nested brackets.
PARSER_NESTING: Final = MAX_LEVEL + 2

# How often the rules of quotes and lists may be asked for each line of text. A line is read twice or so; but
# ">-" and "a" in turns make the parser look from each quote to the end of the text, for quadratic time.
CALLS_PER_LINE: Final = 6

_SCHEMES: Final = frozenset({"http", "https", "mailto"})
# "https:page" is relative to a page over https, so the slashes are asked for.
_ABSOLUTE: Final = re.compile(r"https?://|mailto:", re.IGNORECASE)

# A bare address begins at the start or after what could not be part of it, and runs on to a space, a
# bracket of Markdown or HTML, or full-width punctuation (which follows at once in Chinese and Japanese).
_BARE_SCHEME: Final = re.compile(r"(?:^|[^A-Za-z0-9/.@\\+-])(https?)\Z", re.IGNORECASE)
_BARE_REST: Final = re.compile(r"://[^\s<>\"`\\\[\]\u3000-\u303f\uff00-\uffef]+")
_AFTER_ADDRESS: Final = frozenset("?!.,:;*_~'…“”‘’«»")  # noqa: RUF001 - typographic quotes are meant

# Most comments have no mark of Markdown: letters, digits, and what neither begins a block nor a span.
_LINE: Final = (
    r"""(?:[^\W\d_]|["'“‘«(])"""  # noqa: RUF001
    r"""[\w ,.;:!?'"()/%+=$€£§°–—…“”‘’«»\u2600-\u27bf\U0001f300-\U0001faff-]*"""  # noqa: RUF001
)
_PLAIN: Final = re.compile(rf"{_LINE}(?:\n+{_LINE})*")
_MARKS_IN_WORDS: Final = ("_", "://", " \n")

_HTML_TAG: Final = re.compile(r"<[^>]*>")
_BLANK_LINES: Final = re.compile(r"\n{2,}")

_BlockRule = Callable[[StateBlock, int, int, bool], bool]


def render(text: str) -> str:
    """Return the HTML of a comment; `text` is Markdown as `text.clean_text` gives it.

    Bold, italic, links, bare http(s) addresses, lists, quotes, code inline and fenced; a line end is a
    `<br>`. All else (raw HTML, entities, images, headings, rules, reference links, code by indentation) is
    shown as it was typed. Links are absolute, http, https or mailto, name no user or password, and carry
    `rel="nofollow ugc noopener"`.

    The result has at most `max(512, 8 * n)` bytes of UTF-8 for a text of n: a text whose markup would pass
    that, or would show nothing at all, comes out as plain paragraphs. Raises nothing, whatever the text.
    """
    if _is_plain(text):
        paragraphs = [part.replace("\n", "<br>\n") for part in _BLANK_LINES.split(text)]
        return "\n".join(f"<p>{part}</p>" for part in paragraphs)
    return render_markup(text)


def render_markup(text: str) -> str:
    """As `render`, without its short cut for text that has no markup."""
    # Cleaned text has no surrogates; should one come from elsewhere, the sanitiser would raise.
    raw = text.encode("utf-8", "replace")
    text = raw.decode("utf-8")
    html = _CLEANER.clean(_MARKDOWN.render(text)).strip()
    too_long = len(html.encode("utf-8")) > max(SIZE_FLOOR, MAX_GROWTH * len(raw))
    if too_long or not looks_like_something(unescape(_HTML_TAG.sub("", html))):
        return _plain(text)
    return html


def _is_plain(text: str) -> bool:
    """Would the parser find nothing in it but paragraphs and line ends?"""
    if text[-1:] == " " or any(mark in text for mark in _MARKS_IN_WORDS):
        return False
    return _PLAIN.fullmatch(text) is not None


def _plain(text: str) -> str:
    """Paragraphs of escaped text: at most 5 bytes for each byte of text, and 7 around it all."""
    text = text.replace("\0", "\ufffd").strip()
    paragraphs = [escape(part, quote=False).replace("\n", "<br>\n") for part in _BLANK_LINES.split(text)]
    return _CLEANER.clean("\n".join(f"<p>{part}</p>" for part in paragraphs if part))


class _CommentMarkdown(MarkdownIt):
    """markdown-it with our rule of what may be linked."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 - markdown-it's name
        """Whether an address, normalised by `normalizeLink`, may be linked."""
        if not _ABSOLUTE.match(url):
            return False
        try:
            parsed = ada_url.parse_url(url, attributes=("username", "password"))
        except ValueError:
            return False
        # https://bank.example@evil.example is not what it reads as.
        if parsed["username"] or parsed["password"]:
            return False
        # Asked here, so that no link loses its address to a stricter reader later on.
        return "href=" in _CLEANER.clean(f'<a href="{escape(url)}"></a>')

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802 - markdown-it's name
        """The label of an address, as typed: decoding %E2%80%AE would bring back a bidi override."""
        return link


def _bounded(rule: _BlockRule) -> _BlockRule:
    """The rule of a quote or a list, off past `MAX_LEVEL`, and once it was asked too often for this text."""

    def bounded(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
        state.env["calls"] = calls = state.env.get("calls", 0) + 1
        # The next item of a list that is deep enough must still end the paragraph of the one before it.
        outside = silent and state.sCount[start_line] < state.blkIndent
        if calls > CALLS_PER_LINE * len(state.bMarks) or (state.level >= MAX_LEVEL and not outside):
            return False
        return rule(state, start_line, end_line, silent)

    return bounded


def _bare_link(state: StateInline, silent: bool) -> bool:
    """Inline rule: link a bare http(s) address, the text rule having stopped at its colon."""
    colon = state.pos
    if state.linkLevel > 0 or not state.src.startswith("://", colon):
        return False
    scheme = _BARE_SCHEME.search(state.src[max(0, colon - 6) : colon])
    if not scheme or not (silent or state.pending.endswith(scheme[1])):
        return False
    rest = _BARE_REST.match(state.src, colon, state.posMax)
    if not rest:
        return False
    address = _without_what_follows(scheme[1] + rest[0])
    if not silent:
        href = state.md.normalizeLink(address)
        if state.md.validateLink(href):
            state.pending = state.pending.removesuffix(scheme[1])
            state.push("link_open", "a", 1).attrs = {"href": href}
            state.push("text", "", 0).content = address
            state.push("link_close", "a", -1)
        else:
            # Taken whole all the same: looking again inside what is refused would take quadratic time.
            state.append_pending(address.removeprefix(scheme[1]))
    state.pos = colon + len(address) - len(scheme[1])
    return True


def _without_what_follows(address: str) -> str:
    """The address without punctuation that belongs to the sentence, as in GFM's extended autolinks."""
    unopened = address.count(")") - address.count("(")
    end = len(address)
    while address[end - 1] in _AFTER_ADDRESS or (address[end - 1] == ")" and unopened > 0):
        unopened -= address[end - 1] == ")"
        end -= 1
    return address[:end]


def _visible_links(state: StateCore) -> None:
    """Core rule: a link without an address is its label, a link without a label is its address."""
    for token in state.tokens:
        if token.children:
            token.children = list(_visible(token.children))


def _visible(tokens: Iterable[Token]) -> Iterator[Token]:
    href, label = "", ""
    for token in tokens:
        if token.type == "link_open":
            href, label = str(token.attrs["href"]), ""
        elif token.type == "link_close" and not looks_like_something(label):
            yield Token("text", "", 0, content=href)
        if href or token.type not in {"link_open", "link_close"}:
            yield token
        label += token.content


def _markdown() -> MarkdownIt:
    options = {"html": False, "xhtmlOut": False, "breaks": True, "maxNesting": PARSER_NESTING}
    markdown = _CommentMarkdown("commonmark", options)
    # Images would be fetched; entities could write what cleaning took away; definitions vanish from sight.
    markdown.disable(
        ["heading", "lheading", "hr", "html_block", "html_inline", "image", "entity", "reference", "code"]
    )
    interrupts = ["paragraph", "reference", "blockquote"]
    markdown.block.ruler.at("blockquote", _bounded(blockquote), {"alt": [*interrupts, "list"]})
    markdown.block.ruler.at("list", _bounded(list_block), {"alt": interrupts})
    markdown.inline.ruler.after("text", "bare_link", _bare_link)
    markdown.core.ruler.after("inline", "visible_links", _visible_links)
    # The first call compiles the chains of rules, which two threads must not do at once.
    markdown.render("compile")
    return markdown


_CLEANER: Final = nh3.Cleaner(
    tags=TAGS,
    clean_content_tags=set(),
    # Without "*", title and lang would pass.
    attributes={"*": set(), "a": {"href"}, "ol": {"start"}},
    link_rel=LINK_REL,
    url_schemes=_SCHEMES,
    url_relative="deny",
)
_MARKDOWN: Final = _markdown()
