"""A comment's Markdown as HTML: what is shown, and that nothing else comes out."""

from html import escape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.comments.rendering import MAX_GROWTH, MAX_LEVEL, SIZE_FLOOR, TAGS, render

REL = 'rel="nofollow ugc noopener"'

SHOWN = [
    ("Hello", "<p>Hello</p>"),
    ("one\ntwo", "<p>one<br>\ntwo</p>"),
    ("one\n\ntwo", "<p>one</p>\n<p>two</p>"),
    ("**bold** __bold__", "<p><strong>bold</strong> <strong>bold</strong></p>"),
    ("*italic* _italic_ snake_case_name", "<p><em>italic</em> <em>italic</em> snake_case_name</p>"),
    ("`a < b`", "<p><code>a &lt; b</code></p>"),
    ("```python\nif a < b:\n    c\n```", "<pre><code>if a &lt; b:\n    c\n</code></pre>"),
    ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
    ("1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>"),
    ("1986. What a year", '<ol start="1986">\n<li>What a year</li>\n</ol>'),
    ("> said\n\nno", "<blockquote>\n<p>said</p>\n</blockquote>\n<p>no</p>"),
    (r"\*not italic\*", "<p>*not italic*</p>"),
    ("5 > 3 & 2 < 4", "<p>5 &gt; 3 &amp; 2 &lt; 4</p>"),
]

AS_TYPED = [
    *("# not a heading", "not a heading\n===", "not a heading\n---", "***"),
    *("| a | b |\n|---|---|\n| c | d |", "~~struck~~", "<b>bold</b>", "<!-- unseen -->", "<br>"),
    *("&lt; &nbsp; &#8238; &#x202e;", "[id]: /url 'title'", "[a][b] [c]", "[relative](/admin)"),
    *("[relative](page)", "[relative](?a=1)", "[relative](#top)", "[network](//evil.example)"),
    *("[relative](https:page)", "[relative](https:/page)", "[user](https://bank.example@evil.example)"),
    *("https://bank.example:pw@evil.example", "[other](ftp://example.com)", "[other](tel:+123)"),
    *("<tel:+123>", "[no host](https://)", "https://", "https://example.com\ufffd"),
    *("xhttps://example.com", r"https\://example.com", ">", "-", "> - >", "```", "** **"),
]

LINKS = [
    ("[a](https://example.com)", "https://example.com", "a"),
    ("[a](HTTPS://example.com/B 'title')", "HTTPS://example.com/B", "a"),
    ("[a](mailto:desk@example.com)", "mailto:desk@example.com", "a"),
    ("<https://example.com/a>", "https://example.com/a", "https://example.com/a"),
    ("<desk@example.com>", "mailto:desk@example.com", "desk@example.com"),
    ("<https://example.com/%E2%80%AE>", "https://example.com/%E2%80%AE", "https://example.com/%E2%80%AE"),
    ("[a](https://example.com/?b=1&c=2)", "https://example.com/?b=1&c=2", "a"),
    ('[a](https://example.com/"onclick="x)', "https://example.com/%22onclick=%22x", "a"),
    ("[a](https://example.com/\u202e)", "https://example.com/%E2%80%AE", "a"),
    ("[](https://example.com)", "https://example.com", "https://example.com"),
    ("[ \u2800](https://example.com)", "https://example.com", " \u2800https://example.com"),
    ("[see https://b.example](https://example.com)", "https://example.com", "see https://b.example"),
]

BARE = [
    ("https://example.com/a", "https://example.com/a", "", ""),
    ("HTTP://example.com", "HTTP://example.com", "", ""),
    ("See https://example.com/a.", "https://example.com/a", "See ", "."),
    ("(https://example.com/a)", "https://example.com/a", "(", ")"),
    ("(https://example.com/a_(b))", "https://example.com/a_(b)", "(", ")"),
    ("https://example.com/a_b_c?d=*e*", "https://example.com/a_b_c?d=*e", "", "*"),
    ("“https://example.com”, they say", "https://example.com", "“", "”, they say"),
    ("见https://example.com/a。好", "https://example.com/a", "见", "。好"),
    ('"https://example.com"', "https://example.com", '"', '"'),
    ("[1]: https://example.com", "https://example.com", "[1]: ", ""),
]

ATTACKS = [
    *("<script>alert(1)</script>", "<scr<script>ipt>alert(1)</scr</script>ipt>"),
    *("<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>"),
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    *("<iframe srcdoc='<script>alert(1)</script>'>", "<a href=javascript:alert(1)>x</a>"),
    *("<p style=position:fixed;inset:0>x</p>", "<body onload=alert(1)>", "<base href=//evil.example>"),
    "<form action=//evil.example><input name=password>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<link rel=stylesheet href=//evil.example>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    *("<![CDATA[<script>alert(1)</script>]]>", "<?php echo 1 ?>"),
    *("<!-- --!><script>alert(1)</script> -->", "<plaintext>"),
    *("<template><script>alert(1)</script></template>", "<a\x00href='javascript:alert(1)'>x</a>"),
    *("[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x](javascript&colon;alert(1))"),
    *("[x](&#106;avascript:alert(1))", "[x](java\nscript:alert(1))", "[x](java%0ascript:alert(1))"),
    *("[x](\\javascript:alert(1))", "[x](<javascript:alert(1)>)", "[x]( javascript:alert(1))"),
    *("[x](\u0001javascript:alert(1))", "[x](vbscript:msgbox(1))"),
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    *("[x](data:image/svg+xml;base64,PHN2Zz4=)", "[x](file:///etc/passwd)"),
    *("[x](blob:https://example.com/1)", "[x][y]\n\n[y]: javascript:alert(1)", "<javascript:alert(1)>"),
    '<https://example.com/"onmouseover=alert(1)//>',
    '[x](https://example.com "onmouseover=alert(1)")',
    "[x](https://example.com 'a\" onmouseover=\"alert(1)')",
    *("![x](https://evil.example/pixel.gif)", "![x](javascript:alert(1))"),
    '![x" onerror="alert(1)](https://evil.example/a.png)',
    "[![x](https://evil.example/p.gif)](https://evil.example)",
    *('https://example.com/"onmouseover=alert(1)', "https://example.com/'onmouseover='alert(1)"),
    *("https://example.com/<script>alert(1)</script>", "`<script>alert(1)</script>`"),
    *("```html\n<script>alert(1)</script>\n```", '```" onload="alert(1)\nx\n```'),
    *('~~~ class=x style="color:red"\nx\n~~~', "> <script>alert(1)</script>"),
    *("- <img src=x onerror=alert(1)>", "**<b onclick=alert(1)>x**"),
    "[<img src=x onerror=alert(1)>](https://example.com)",
    *("[a](https://example.com/`<script>`)", "\\<script>alert(1)\\</script>"),
    *("&lt;script&gt;alert(1)&lt;/script&gt;", "&#60;script&#62;alert(1)"),
    *("\uff1cscript\uff1ealert(1)", "\ud83c<script>"),
]

# Each repeated to a comment of 5,000 characters.
FLOODS = [
    *("[", "]", "[]", "![", "[a](", "[a](b)", "[[a](b)", "[![a](http://b)](http://c)", '[a](b "', "[a](<b"),
    *("*", "*a ", "a* ", "**a", "_a_", "*_", "***a**_", "`", "``a`", "```\n", "~~~\n", "\\", "&", "&amp;"),
    *(">", "> ", ">\n", ">\n\n", ">a\n\n", "> a\n", ">-\na\n", ">>-\na\n", "- >\nb\n", "> 1. \na\n"),
    *("- ", "-\n", "- a\n", "1. a\n", "1.\n", "- - a\n", "+ - * ", "  - a\n", "* a\n\n", "- - - -\na\n"),
    *("<", "<a", "<!--", "<http://a", "<http://a>", "http://a ", "http://a:b@c,", "://", "http://"),
    *("http://[", "https://a/)", "\n", "\n\n", "a\n", "a\n\n", " ", "(", "|-|\n", "é", "\u00a0"),
    *("\u0301", "\x00", "\ud800"),
]


class Seen(HTMLParser):
    """The tags, links and text of a piece of HTML; strict about what it has met."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.text = ""
        self.depth = self.deepest = 0
        self.feed(html)
        self.close()
        assert self.depth == 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        named = dict(attrs)
        assert len(named) == len(attrs)
        if tag == "a":
            assert named.keys() == {"href", "rel"}
            assert named["rel"] == "nofollow ugc noopener"
            href = named["href"] or ""
            assert href.lower().startswith(("http://", "https://", "mailto:"))
            assert href.isascii()
            self.links.append(href)
        elif tag == "ol":
            assert named.keys() <= {"start"}
            assert (named.get("start") or "0").isdigit()
        else:
            assert not named
        if tag != "br":
            self.depth += 1
            self.deepest = max(self.deepest, self.depth)

    def handle_endtag(self, tag: str) -> None:
        assert tag in TAGS - {"br"}
        self.depth -= 1

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_pi = unknown_decl = handle_comment

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)


def safe(text: str) -> Seen:
    """Render, and check what holds of every comment."""
    html = render(text)
    assert len(html.encode()) <= max(SIZE_FLOOR, MAX_GROWTH * len(text.encode("utf-8", "replace")))
    return Seen(html)


def letters(text: str) -> str:
    return "".join(char for char in text if char.isalpha())


@pytest.mark.parametrize(("text", "html"), SHOWN)
def test_markdown_is_shown_as_html(text: str, html: str) -> None:
    assert render(text) == html


@pytest.mark.parametrize("text", AS_TYPED)
def test_what_is_not_allowed_is_shown_as_it_was_typed(text: str) -> None:
    shown = escape(text, quote=False).replace(r"\:", ":").replace("\n", "<br>\n")
    assert render(text) == f"<p>{shown}</p>"


@pytest.mark.parametrize(("text", "href", "label"), LINKS)
def test_a_link_is_absolute_and_followed_by_nobody(text: str, href: str, label: str) -> None:
    assert render(text) == f'<p><a href="{escape(href)}" {REL}>{label}</a></p>'


@pytest.mark.parametrize(("text", "address", "before", "after"), BARE)
def test_a_bare_address_is_a_link_without_its_punctuation(
    text: str, address: str, before: str, after: str
) -> None:
    assert render(text) == f'<p>{before}<a href="{address}" {REL}>{address}</a>{after}</p>'


def test_emphasis_around_a_bare_address_is_kept() -> None:
    link = f'<a href="https://example.com" {REL}>https://example.com</a>'
    assert render("**https://example.com**") == f"<p><strong>{link}</strong></p>"
    assert render("_https://example.com_") == f"<p><em>{link}</em></p>"


def test_an_international_host_is_linked_in_punycode() -> None:
    assert f'<a href="https://xn--bcher-kva.example/" {REL}>' in render("https://bücher.example/")


def test_an_image_is_a_link_and_never_fetched() -> None:
    assert render("![cat](https://example.com/c.png)") == (
        f'<p>!<a href="https://example.com/c.png" {REL}>cat</a></p>'
    )


def test_a_link_without_an_address_is_its_label() -> None:
    assert render("[a]() b") == "<p>a b</p>"


def test_indented_text_is_no_code() -> None:
    assert render("a\n\n    b") == "<p>a</p>\n<p>b</p>"


def test_of_no_text_there_is_no_html() -> None:
    assert render("") == render(" \n ") == ""


@pytest.mark.parametrize("text", ATTACKS)
def test_an_attack_comes_out_as_text(text: str) -> None:
    seen = safe(text)
    assert not any(word in href.lower() for href in seen.links for word in ("script:", "data:", "<", '"'))


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>"])
def test_an_attack_is_still_to_be_read(text: str) -> None:
    assert safe(text).text == text


@pytest.mark.parametrize("unit", FLOODS)
def test_a_flood_stays_in_bounds(unit: str) -> None:
    seen = safe((unit * 5000)[:5000])
    # Containers, a paragraph, code, a link, and emphasis, which alone may nest.
    assert seen.deepest <= MAX_LEVEL + 4 or "*" in unit


@pytest.mark.parametrize("unit", ["\n\n>a", "> http://x\n\n", "\n\n-\n\n>"])
def test_html_grows_no_faster_than_the_text(unit: str) -> None:
    assert len(render(unit * 1000)) <= 2 * len(render(unit * 500)) + SIZE_FLOOR


def test_markup_past_the_size_limit_comes_out_as_plain_paragraphs() -> None:
    html = render(">a\n\n" * 500)
    assert html.startswith("<p>&gt;a</p>\n<p>&gt;a</p>\n")
    assert "<blockquote>" not in html


def test_quotes_too_deep_are_shown_as_typed() -> None:
    html = render(">" * (MAX_LEVEL + 3) + " deep")
    assert html.count("<blockquote>") == MAX_LEVEL
    assert "<p>&gt;&gt;&gt; deep</p>" in html


def test_lists_too_deep_are_shown_as_typed_and_end_where_they_should() -> None:
    html = render("\n".join("  " * level + f"- {level}" for level in [*range(7), 1, 0]))
    assert html.count("<ul>") == MAX_LEVEL // 2
    assert "<li>3<br>\n- 4<br>\n- 5<br>\n- 6</li>" in html
    assert html.endswith("<li>1</li>\n</ul>\n</li>\n<li>0</li>\n</ul>")


def test_a_link_after_many_open_brackets_is_still_a_link() -> None:
    assert safe("[" * 500 + "\n\n[a](https://example.com)").links == ["https://example.com"]


def test_a_long_comment_of_many_short_lines_is_rendered_to_its_end() -> None:
    assert render("- a\n" * 1250).count("<li>") == 1250
    assert render("> a\n> - b\n\n" * 400).count("<blockquote>") == 400


MARKS = "* ** _ ` ``` [ ] ( ) ![ < > - 1. \\ # & &lt; \" ' a é \x00 \u202e \ud800"
WORDS = "http://a.b https: javascript: data: mailto: // <script> </p> <a onclick= style= -->"
markdown = st.lists(
    st.sampled_from([*MARKS.split(), *WORDS.split(), " ", "    ", "\n", "\n\n"]), max_size=60
).map("".join)


@given(st.one_of(markdown, st.text()))
def test_only_what_is_allowed_comes_out_whatever_goes_in(text: str) -> None:
    safe(text)


@given(st.text(st.sampled_from("*_[]<>- \n!ab&"), max_size=80))
def test_no_letter_is_lost_in_markup(text: str) -> None:
    assert letters(safe(text).text) == letters(text)
