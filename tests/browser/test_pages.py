"""The demo newspaper, the headlines and the reference."""

import gzip
import re
from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import Page, Response, expect

from tests.browser.footer import fits, mood, reload_until, standing, write
from tests.browser.window import DESKTOP, PHONE
from tests.servers import Served

BUDGET = 36 * 1024  # bytes
SLUG = "frost-takes-the-early-plums"


def test_counts_move_on_the_headlines_page(new_reader: Callable[[], Page]) -> None:
    home, reader = new_reader(), new_reader()
    calls: list[str] = []
    home.on("request", lambda request: calls.append(request.url) if "/v1/" in request.url else None)
    home.goto("/headlines")
    figures = home.locator(f"[data-engagement-article={SLUG}]")
    expect(figures).to_have_text("0 comments")
    assert len(calls) == 1

    reader.goto("/headlines")
    reader.get_by_role("link", name="One night of frost takes the early plums").click()
    standing(reader)
    mood(reader, "Sad").click()
    expect(reader.get_by_role("status")).to_have_text("You chose Sad.")
    write(reader, "No jam this year.")

    def moved() -> None:
        expect(figures).to_contain_text("1 comment", timeout=1000)
        expect(figures).to_contain_text(re.compile("Sad.*1 reaction"), timeout=1000)

    reload_until(home, moved)


@pytest.mark.parametrize("path", ["/", "/headlines", f"/articles/{SLUG}", "/docs"])
def test_every_page_fits_its_window(page: Page, path: str) -> None:
    page.set_viewport_size(PHONE)
    page.goto(path)
    expect(page.locator("main")).to_be_visible()
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        assert fits(page), size


@pytest.mark.parametrize(
    "path", ["/articles/no-such-article", "/?article=..", "/?article=a%2Fb", "/?article=" + "a" * 129]
)
def test_an_unknown_page_is_not_found(service: Served, path: str) -> None:
    assert requests.get(service.url + path, timeout=10).status_code == 404


def test_the_widget_is_light(page: Page, embed: Callable[[str], str], article: str) -> None:
    """Compressed as a proxy does it, all that one script tag brings, styles too."""
    files: dict[str, bytes] = {}

    def weigh(answer: Response) -> None:
        if "/static/" in answer.url:
            files[answer.url] = answer.body()

    page.on("response", weigh)
    page.goto(embed(f'site="demo" article="{article}"'))
    standing(page)
    assert any(url.endswith("/footer.css") for url in files)
    assert sum(len(gzip.compress(body, 6)) for body in files.values()) <= BUDGET


def test_every_link_inside_the_reference_leads_somewhere(page: Page) -> None:
    page.goto("/docs")
    links = page.locator("main a[href^='#']")
    assert links.count() > 0
    lost = links.evaluate_all(
        "all => all.map(a => a.hash.slice(1)).filter(id => !document.getElementById(id))"
    )
    assert lost == []


def test_pages_carry_their_security_headers(service: Served) -> None:
    headers = requests.get(f"{service.url}/", timeout=10).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    script = requests.get(f"{service.url}/static/engagement.js", timeout=10).headers
    assert script["access-control-allow-origin"] == "*"
    assert script["cross-origin-resource-policy"] == "cross-origin"
    assert "javascript" in script["content-type"]
