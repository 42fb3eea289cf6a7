"""A moderator's desk: somebody of the staff who is signed in to the console of the running service."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import requests
from click.testing import CliRunner
from playwright.sync_api import Locator, Page, expect

from engagement.cli import main
from tests.servers import Served

AXE = Path(__file__).with_name("axe") / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def link(service: Served, *options: str) -> str:
    """A one-time link, as the command line prints it."""
    printed = CliRunner().invoke(main, ["admin-link", "--data", str(service.data), *options])
    assert printed.exit_code == 0, printed.output
    return printed.stdout.strip()


def sign_in(page: Page, service: Served, *options: str) -> Page:
    """Come in by a link; ends on the queue of the first site."""
    page.goto(link(service, *options))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Queue", exact=True)).to_be_visible()
    return page


def queue(page: Page, article: str, queue: str = "unmoderated", more: str = "") -> None:
    """Open a queue of one article."""
    page.goto(f"/moderate/demo/queue?queue={queue}&article={article}{more}")
    expect(page.get_by_role("heading", name="Queue", exact=True)).to_be_visible()


def card(page: Page, text: str) -> Locator:
    """The card of the comment that says this."""
    return page.locator("article.card").filter(has_text=text)


def decided(page: Page) -> Locator:
    """What is left of the cards that were decided on."""
    return page.locator(".card.decided")


def said(page: Page, text: str) -> None:
    """Wait until the page says so to who doesn't see it."""
    expect(page.locator("#said")).to_contain_text(text)


def faults(page: Page) -> list[str]:
    """What axe finds wrong with the page, in a line each."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text() + "\n;undefined")
    found: list[dict[str, Any]] = page.evaluate(
        f"axe.run(document, {{runOnly: {json.dumps(RULES)}}}).then((found) => found.violations)"
    )
    return [
        f"{each['id']}: {each['help']}: {node['html'][:200]} {node['failureSummary']}"
        for each in found
        for node in each["nodes"]
    ]


def shown(service: Served, article: str) -> list[str]:
    """The texts of the comments that readers see."""
    url = f"{service.url}/v1/demo/articles/{article}/comments?sort=oldest&limit=50"
    return [each["body_html"] for each in requests.get(url, timeout=10).json()["items"]]


def focused(page: Page) -> str:
    """The id of what has the focus, or of the card that it is in."""
    found: str = page.evaluate(
        "(document.activeElement.closest('article.card') ?? document.activeElement).id"
    )
    return found


def press(page: Page, keys: Sequence[str], after: Callable[[], None] | None = None) -> None:
    """Press these, one after the other."""
    for key in keys:
        page.keyboard.press(key)
    if after:
        after()
