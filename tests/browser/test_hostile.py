"""What a reader writes never runs and never breaks the page: in the widget, a fragment, a page, a feed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import requests
from playwright.sync_api import Dialog, Locator, Page, Request, ViewportSize, expect

from engagement.cli.shared import open_stores
from engagement.errors import Invalid
from engagement.sites.publishing import put_article
from tests.browser.corpus import RUNNING, chunks
from tests.browser.footer import fits, open_article, standing, write
from tests.browser.publisher import Newspaper, newspaper
from tests.browser.window import DESKTOP, PHONE, Watch
from tests.servers import Served

HOSTILE = {
    "script": "<script>window.hacked = 1</script> after",
    "image": '<img src="x" onerror="window.hacked = 1"> after',
    "link": "[click me](javascript:window.hacked=1) and [me](data:text/html,<script>hacked=1</script>)",
    "autolink": "<javascript:window.hacked=1> and javascript:window.hacked=1",
    "attribute": '<a href="#" onclick="window.hacked=1" style="position:fixed;inset:0">all of it</a>',
    "svg": "<svg onload=window.hacked=1><style>*{display:none}</style></svg> after",
    "unbroken": "x" * 5000,
    "unbroken link": "https://example.org/" + "a" * 2000,
    "code": "```\n" + "y" * 1000 + "\n```",
    "zalgo": "z" + "\u0301\u0316\u0334\u0489" * 200 + "algo",
    "right to left": "\u202egnp.exe \u2066and\u2069 after",
    "quotes": "\n".join(">" * depth + " deep" for depth in range(1, 60)),
}
NARROW: ViewportSize = {"width": 360, "height": 800}
WIDE: ViewportSize = {"width": 1200, "height": 900}
# What no text of a reader may bring into a page, and what may not be in what readers wrote.
RUNS = (
    "script:not([type='application/ld+json']):not([src*='/static/']), iframe, object, embed, base, "
    "[onerror], [onload], [onfocus], [onclick], [onmouseover], [srcdoc], [autofocus]"
)
FOREIGN = "img, svg, math, video, audio, form, input, button, style, [style], [id]"
OWN_NAMES = "Object.getOwnPropertyNames(window).filter((name) => !window.__names.has(name)).join()"


@dataclass
class Guard:
    """Notes whatever a page does beyond showing itself."""

    home: tuple[str, ...]
    seen: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        page.on("dialog", self._dialog)
        page.on("request", self._request)
        page.on("popup", lambda popup: self.seen.append(f"popup: {popup.url}"))
        page.on("download", lambda download: self.seen.append(f"download: {download.url}"))
        page.add_init_script("window.__names = new Set(['__names', ...Object.getOwnPropertyNames(window)])")

    def check(self, page: Page) -> None:
        """Nothing has run, nothing was fetched from elsewhere, nothing is wider than a window of any size."""
        for size in (NARROW, WIDE):
            page.set_viewport_size(size)
            assert fits(page), (page.url, size)
        self.check_that_nothing_ran(page)

    def check_that_nothing_ran(self, page: Page) -> None:
        """The same, whatever the layout."""
        assert self.seen == []
        assert page.evaluate(OWN_NAMES) == ""
        assert page.locator(RUNS).count() == 0

    def _dialog(self, dialog: Dialog) -> None:
        self.seen.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        if not request.url.startswith((*self.home, "data:,")):
            self.seen.append(f"request: {request.url}")


@pytest.fixture(scope="module")
def paper() -> Iterator[Newspaper]:
    with newspaper() as paper:
        yield paper


@pytest.fixture
def guard(page: Page, service: Served, paper: Newspaper) -> Guard:
    guard = Guard((service.url, paper.url))
    guard.over(page)
    return guard


@pytest.fixture(scope="module")
def articles(service: Served) -> list[str]:
    """The whole corpus as comments, each by somebody who is called so, twenty on an article."""
    names = []
    for number, texts in enumerate(chunks()):
        names.append(f"hostile-{number}")
        for text in texts:
            post(service, names[-1], text, name=text[:60])
    return names


def post(service: Served, article: str, body: str, name: str | None = None) -> str:
    """By a new reader, without a name where it is none."""
    readers = f"{service.url}/v1/demo/readers"
    minted = requests.post(readers, json={"name": name}, timeout=10)
    if minted.status_code == 422:
        minted = requests.post(readers, json={}, timeout=10)
    headers = {"Authorization": f"Bearer {minted.json()['token']}"}
    path = f"{service.url}/v1/demo/articles/{article}/comments"
    answer = requests.post(path, json={"body": body}, headers=headers, timeout=10)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def get(service: Served, path: str) -> str:
    answer = requests.get(service.url + path, timeout=10)
    assert answer.status_code == 200
    answer.encoding = "utf-8"
    return answer.text


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_neither_runs_nor_breaks_the_layout(page: Page, article: str, text: str) -> None:
    page.set_viewport_size(PHONE)
    open_article(page, article)
    body = write(page, text).locator(".body").first
    assert page.evaluate("window.hacked") is None
    assert body.locator("script, img, svg, style, iframe, [style], [onclick], [onerror]").count() == 0
    for link in body.locator("a").all():
        assert str(link.get_attribute("href")).startswith(("http://", "https://", "mailto:"))
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        stays_in_its_place(page, body)


def stays_in_its_place(page: Page, body: Locator) -> None:
    """Its links can be clicked, and it is no wider than the footer."""
    for link in body.locator("a").all():
        link.click(trial=True)
    assert fits(page)
    box, frame = body.bounding_box(), page.locator("engagement-footer").bounding_box()
    assert box is not None
    assert frame is not None
    assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1


def test_a_hostile_name_is_only_text(page: Page, article: str) -> None:
    open_article(page, article)
    name = '<img src=x onerror="window.hacked=1">'
    expect(write(page, "Who am I?", name=name).locator(".author")).to_contain_text("<img src=x")
    assert page.evaluate("window.hacked") is None


def test_nothing_of_the_corpus_runs_in_the_widget(
    page: Page, guard: Guard, articles: list[str], embed: Callable[[str], str]
) -> None:
    for article in articles:
        address = embed(f'site="demo" article="{article}"')
        guard.home = (*guard.home, address.partition("/story")[0])
        page.goto(address)
        standing(page)
        expect(page.locator("li.comment")).not_to_have_count(0)
        guard.check(page)
        bodies = page.locator("li.comment .body")
        assert bodies.locator(FOREIGN).count() == 0
        harmless(bodies.locator("a"))


@pytest.mark.parametrize("style", ["plain.css", "footer.css", None])
def test_nothing_of_the_corpus_runs_in_a_fragment(
    page: Page, guard: Guard, articles: list[str], service: Served, paper: Newspaper, style: str | None
) -> None:
    sheet = f"{service.url}/static/{style}" if style else None
    for article in articles:
        page.goto(paper.show(get(service, f"/v1/demo/articles/{article}/footer.html"), sheet))
        guard.check(page)
        bodies = page.locator(".engagement-body")
        assert bodies.count() > 0
        assert bodies.locator(FOREIGN).count() == 0
        harmless(bodies.locator("a"))
        data = page.locator("script[type='application/ld+json']")
        assert data.count() == 1
        assert len(page.evaluate("(text) => JSON.parse(text).comment", data.text_content())) > 0


@pytest.mark.parametrize("path", ["/discussions/demo/{}", "/v1/demo/articles/{}/footer.html"])
def test_nothing_of_the_corpus_runs_on_pages_of_ours(
    page: Page, guard: Guard, articles: list[str], path: str
) -> None:
    for article in articles:
        page.goto(path.format(article))
        guard.check(page)
        bodies = page.locator(".engagement-body")
        assert bodies.count() > 0
        assert bodies.locator(FOREIGN).count() == 0
        harmless(bodies.locator("a"))


def test_nothing_of_the_corpus_runs_in_a_form_that_is_shown_again(
    page: Page, guard: Guard, service: Served, article: str, watch: Watch
) -> None:
    watch.allow("422")
    for text in joined(4_000):
        page.goto(f"/discussions/demo/{article}")
        page.get_by_label("Your comment").fill(text)
        page.get_by_label("Your name (optional)").fill(text[:500])
        page.get_by_role("button", name="Post comment").click()
        expect(page.get_by_role("alert")).to_contain_text("Your name is longer than 60 characters.")
        guard.check(page)
        assert page.locator("main form *").count() == 11
        kept = page.get_by_label("Your comment").input_value()
        assert kept.replace("\r\n", "\n") == text.replace("\0", "\ufffd").replace("\r\n", "\n")


def test_nothing_of_the_corpus_runs_in_a_title(
    page: Page, guard: Guard, service: Served, paper: Newspaper, article: str
) -> None:
    post(service, article, "a comment")
    with open_stores(service.data) as (_, database, hot):
        for title in joined(480):
            put_article(database, hot, "demo", article, title=title, url="https://news.example/a?b=1&c='2'")
            page.goto(f"/discussions/demo/{article}")
            guard.check(page)
            expect(page.locator("h1 *:not(wbr)")).to_have_count(0)
            page.goto(paper.show(get(service, f"/v1/demo/articles/{article}/footer.html")))
            guard.check(page)
            (entry,) = entries(page, get(service, f"/v1/demo/articles/{article}/feed.atom"))
            assert entry["title"].startswith("Anonymous: ")


@pytest.mark.parametrize(
    "address",
    [
        *("javascript:window.hacked=1", "data:text/html,<script>1</script>", "java\nscript:alert(1)", "//x"),
        *('https://news.example/"><script>window.hacked=1</script>', "https://news.example/' onclick='x"),
        *("https://news.example/</script><script>window.hacked=1</script>", "https://a@news.example/{{7*7}}"),
    ],
)
def test_a_hostile_address_of_an_article_is_refused_or_only_an_address(
    page: Page, guard: Guard, service: Served, paper: Newspaper, article: str, address: str
) -> None:
    with open_stores(service.data) as (_, database, hot):
        if not address.startswith("https:"):
            with pytest.raises(Invalid) as refused:
                put_article(database, hot, "demo", article, title="A title", url=address)
            assert "url" in (refused.value.errors or {})
            return
        put_article(database, hot, "demo", article, title="A title", url=address)
    page.goto(f"/discussions/demo/{article}")
    guard.check(page)
    link = page.get_by_role("link", name="Read the article")
    assert str(link.get_attribute("href")).startswith("https://")
    assert link.evaluate("(link) => link.getAttributeNames().sort().join()") == "href,rel"
    page.goto(paper.show(get(service, f"/v1/demo/articles/{article}/footer.html")))
    guard.check(page)


def test_nothing_of_the_corpus_runs_in_a_feed(
    page: Page, guard: Guard, articles: list[str], service: Served, paper: Newspaper
) -> None:
    for article in articles:
        path = f"/v1/demo/articles/{article}/feed.atom"
        page.goto(path)
        assert guard.seen == []
        found = entries(page, get(service, path))
        assert found[0]["id"] in page.content()
        # As a simple reader of feeds would show it.
        page.goto(paper.show("".join(entry["content"] for entry in found)))
        guard.check_that_nothing_ran(page)
        assert page.locator("body").locator(FOREIGN).count() == 0


def entries(page: Page, feed: str) -> list[dict[str, str]]:
    """What Chromium's parser of XML finds in a feed."""
    found: list[dict[str, str]] = page.evaluate(
        """(feed) => {
          const read = new DOMParser().parseFromString(feed, "application/xml");
          if (read.querySelector("parsererror")) throw new Error(read.documentElement.textContent);
          return [...read.querySelectorAll("entry")].map((entry) =>
            Object.fromEntries([...entry.children].map((part) => [part.localName, part.textContent])));
        }""",
        feed,
    )
    assert found
    return found


def joined(length: int) -> list[str]:
    """The corpus' texts that would run, as few texts of at most `length` characters."""
    texts = [""]
    for text in RUNNING.values():
        if len(texts[-1]) + len(text) + 3 > length:
            texts.append("")
        texts[-1] = f"{texts[-1]} · {text}"
    return texts


def harmless(links: Locator) -> None:
    """Each leads somewhere by http(s) or mail."""
    addresses = links.evaluate_all("all => all.map((link) => link.protocol)")
    assert set(addresses) <= {"http:", "https:", "mailto:"}
