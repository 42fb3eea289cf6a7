"""No text gets out of where it was put: into a fragment, into linked data, into a feed."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser
from uuid import UUID

import feedparser
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engagement.comments.rendering import render
from engagement.plain.atom import Entry, Feed, atom
from engagement.plain.breaking import LONGEST, MARKS, PIECE, breakable, breakable_html
from engagement.plain.linked_data import dump, text_of
from engagement.plain.words import moment
from engagement.text import clean_text

ID = UUID("01a20e18-ebeb-75c5-8dfa-819cf9ae26c7")
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
NOW = datetime(2026, 11, 24, 14, 5, tzinfo=UTC)
# What HTML, Markdown, JSON, XML and templates are made of, beside letters, marks and emoji.
MARKUP = st.text("<>&\"'/`=;:#{}[]()!-*_ \n\\ab1\u2028\u202e\u0301\u200d👩é\0")
PIECES = [
    *("<script>", "</script>", "]]>", "<!--", "-->", "{{7*7}}", "{% raw %}"),
    *("&lt;", "&#x3c;", "<wbr>", "a" * 40, " "),
]
TEXTS = st.one_of(st.text(), MARKUP, st.lists(st.sampled_from(PIECES)).map("".join))


class Elements(HTMLParser):
    """Every element and attribute, and all text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.elements.append(("!--", []))

    def handle_decl(self, decl: str) -> None:
        self.elements.append(("!", []))

    def handle_pi(self, data: str) -> None:
        self.elements.append(("?", []))

    def unknown_decl(self, data: str) -> None:
        self.elements.append(("![", []))


@given(TEXTS)
def test_breakable_text_is_only_text(text: str) -> None:
    html = str(breakable(text))
    assert {tag for tag, _ in Elements(html).elements} <= {"wbr"}
    assert unescape(html.replace("<wbr>", "")) == text


@given(TEXTS)
@example("[" + "a" * 50 + "](https://example.com/" + "b" * 50 + ")")
@example("**" + "a" * 20 + "**" + "*b*" * 30)
@example("x" * 15 + "👩‍👩‍👧" * 20 + "e\u0301" * 40)
def test_breaking_changes_a_comment_in_nothing_but_where_it_breaks(text: str) -> None:
    html = render(text)
    before, after = Elements(html), Elements(str(breakable_html(html)))
    if "<pre>" not in html:
        changed = {"wbr", "blockquote"}
        kept = [each for each in after.elements if each[0] not in changed]
        assert kept == [each for each in before.elements if each[0] not in changed]
    assert "".join("".join(after.text).split()) == "".join("".join(before.text).split())


@pytest.mark.parametrize(("typed", "shown"), [(1, 1), (2, 2), (3, 2), (7, 2)])
def test_quotes_stand_in_quotes_but_no_deeper(typed: int, shown: int) -> None:
    html = str(breakable_html(render(f"{'>' * typed} deep\n\nafter\n\n> again")))
    assert html.count("<blockquote>") == html.count("</blockquote>") == shown + 1
    assert html.endswith("<p>after</p>\n<blockquote>\n<p>again</p>\n</blockquote>")


def test_code_keeps_its_lines_and_its_indentation() -> None:
    html = breakable_html(render("```\nif a < b:\n    c  d\n\n```"))
    lines = "if a &lt; b:<br>\n\u00a0\u00a0\u00a0\u00a0c\u00a0 d<br>\n"
    assert html == f'<p class="engagement-code"><code>{lines}</code></p>'


@given(st.lists(st.sampled_from(["a", "\u00a0", "\u202f", "&nbsp;", "-"]), min_size=200))
def test_words_with_spaces_at_which_no_line_breaks_are_long_words(chars: list[str]) -> None:
    assert "<wbr>" in str(breakable("".join(chars)))


@given(st.integers(1, 400), st.sampled_from(["x", "&", "字", "z\u0301\u0302"]))
def test_a_long_word_breaks_and_a_short_one_does_not(length: int, char: str) -> None:
    pieces = str(breakable(char * length)).split("<wbr>")
    longest = PIECE if char == "&" else LONGEST
    assert (len(pieces) > 1) is (len(char * length) > longest)
    if len(pieces) > 1:
        assert all(len(unescape(piece)) <= PIECE + len(char) for piece in pieces)
        assert not any(piece.startswith("\u0301") for piece in pieces)


@given(st.integers(LONGEST, 100), st.sampled_from(["\u0301", "\u102b\u1038", "\u0e33", "\u0489"]))
def test_no_letter_has_more_marks_than_stand_in_one_line(length: int, mark: str) -> None:
    html = str(breakable(f"\u1000{mark * length} next"))
    assert html.replace("\u200b", "").replace("<wbr>", "") == f"\u1000{mark * length} next"
    assert all(len(piece) <= 1 + MARKS for piece in html.removesuffix(" next").split("\u200b"))


KISS, GRIN, ACUTE = "\U0001f469\U0001f3fd\u200d\u2764\ufe0f\u200d\U0001f468", "\U0001f600", "e\u0301"


@given(st.lists(st.sampled_from([KISS, GRIN, ACUTE])))
def test_what_people_write_is_one_character_still(chars: list[str]) -> None:
    assert "\u200b" not in str(breakable("".join(chars)))


@given(st.recursive(TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=8))
def test_linked_data_is_json_without_a_character_of_markup(node: object) -> None:
    written = str(dump({"node": node}))
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == {"node": node}
    page = Elements(f'<script type="application/ld+json">{written}</script>')
    assert [tag for tag, _ in page.elements] == ["script"]


@given(MARKUP)
def test_the_text_of_a_comment_is_what_its_html_shows(text: str) -> None:
    html = render(text)
    assert "".join(text_of(html).split()) == "".join("".join(Elements(html).text).split())


@given(TEXTS, TEXTS, TEXTS)
def test_a_feed_can_be_read_whatever_is_in_it(body: str, name: str, title: str) -> None:
    html = render(body)
    entry = Entry(ID, f"https://a.example/{name}", title, name, html, NOW, None, (ID, f"https://b/{title}"))
    written = atom(Feed(name, title, "https://a.example/feed", "https://a.example/", [entry]))
    root = ET.fromstring(written)
    atoms = "{http://www.w3.org/2005/Atom}"
    (found,) = root.findall(f"{atoms}entry")
    assert len(list(root.iter())) == 16
    content = found.find(f"{atoms}content")
    assert content is not None
    # XML has one end of a line, and no way to write some characters.
    assert (content.text or "") == re.sub("\r\n?", "\n", UNWRITABLE.sub("\ufffd", html))
    assert not feedparser.parse(written).bozo


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one<br>\ntwo</p>\n<p>three</p>", "one\ntwo\n\nthree"),
        ("<ul>\n<li>a</li>\n<li>b</li>\n</ul>", "a\n\nb"),
        ("<pre><code>if a &lt; b:\n    c\n</code></pre>", "if a < b:\n    c"),
        ("", ""),
    ],
)
def test_the_text_of_a_comment_has_its_lines(html: str, text: str) -> None:
    assert text_of(html) == text


def test_a_moment_is_told_in_full() -> None:
    assert moment("2026-11-04T07:05:09.123Z") == "4 November 2026, 07:05 UTC"


@given(TEXTS)
def test_what_is_cleaned_and_rendered_has_no_element_but_ours(text: str) -> None:
    try:
        cleaned = clean_text(text, max_length=5_000)
    except ValueError:
        return
    for tag, attributes in Elements(render(cleaned)).elements:
        assert tag in {"p", "br", "strong", "em", "a", "ul", "ol", "li", "blockquote", "code", "pre"}
        for name, value in attributes:
            assert (tag, name) in {("a", "href"), ("a", "rel"), ("ol", "start")}
            if name == "href":
                assert (value or "").startswith(("http://", "https://", "mailto:", "HTTP", "MAILTO"))
