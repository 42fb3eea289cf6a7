"""The console's other pages in a browser: what they do, and that they are for everybody."""

from __future__ import annotations

import pytest
import requests
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.desk import faults, queue, said, sign_in
from tests.browser.footer import fits
from tests.browser.window import DESKTOP, Watch
from tests.browser.writers import Writer
from tests.servers import Served
from tests.waiting import until

NARROW: ViewportSize = {"width": 360, "height": 740}
PAGES = (
    "articles", "rules", "rules/new?kind=flood", "readers?q=R", "appeals", "log", "figures", "tokens",
    "sign-on",
)  # fmt: skip


@pytest.fixture
def desk(page: Page, service: Served) -> Page:
    return sign_in(page, service)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("viewport", [NARROW, DESKTOP], indirect=True, ids=["360", "desktop"])
def test_every_page_fits_its_window_and_axe_finds_nothing(desk: Page, watch: Watch, dark: bool) -> None:
    if dark:
        desk.emulate_media(color_scheme="dark")
    for path in PAGES:
        desk.goto(f"/moderate/demo/{path}")
        assert fits(desk), path
        assert faults(desk) == [], path
    watch.allow("401")  # of a page that asks for its counts meanwhile
    desk.context.clear_cookies()
    desk.goto("/moderate/")
    expect(desk.get_by_role("heading", name="Sign in")).to_be_visible()
    assert faults(desk) == []


def test_a_rule_shows_what_it_would_have_caught_before_it_is_made(
    desk: Page, service: Served, article: str
) -> None:
    word = f"muppet{article[-6:]}"
    Writer(service, article, "Ida").post(f"You are a {word}, and so is he.")
    desk.goto("/moderate/demo/rules/new?kind=phrases")
    desk.get_by_label("Name, as moderators").fill(f"Rule of {word}")
    desk.get_by_label("Phrases, one a line").fill(word)
    desk.get_by_role("button", name="What would it have caught").click()
    found = desk.locator("#preview")
    expect(found.get_by_role("heading", name="1 comment in the last 7 days")).to_be_visible()
    expect(found.locator("mark")).to_have_text(word)
    assert faults(desk) == []
    desk.get_by_role("button", name="Make it").click()
    said(desk, "The rule is made.")

    writer = Writer(service, article, "Bo")
    numbers = iter(range(100))

    def held() -> bool:
        writer.post(f"Number {next(numbers)}: {word} once more.")
        queue(desk, article, "pending")
        return desk.locator("article.card").count() > 0

    until(held)
    first = desk.locator("article.card").first
    expect(first.locator("mark")).to_have_text(word)
    expect(first.locator(".why")).to_contain_text(f"rule Rule of {word} (version 1)")
    desk.goto("/moderate/demo/rules")
    desk.get_by_role("link", name=f"Rule of {word}", exact=True).click()
    desk.get_by_role("button", name="End this rule").click()
    said(desk, "The rule is ended.")


def test_a_reader_is_suspended_and_let_in_again(desk: Page, service: Served, article: str) -> None:
    name = f"Wanda {article[-6:]}"
    writer = Writer(service, article, name)
    writer.post("The first of my words.")
    desk.goto(f"/moderate/demo/readers?q={name}")
    desk.get_by_role("link", name=name).click()
    assert faults(desk) == []
    desk.get_by_label("What", exact=True).select_option("suspension")
    desk.get_by_label("Days").fill("7")
    desk.get_by_label("Take their votes").check()
    desk.get_by_role("button", name="Restrict").click()
    said(desk, "the reader is told")
    assert faults(desk) == []
    url = f"{service.url}/v1/demo/articles/{article}/comments"

    def write(text: str) -> int:
        return requests.post(url, json={"body": text}, headers=writer.headers, timeout=10).status_code

    assert write("More of my words.") == 403
    desk.get_by_role("button", name="Lift").click()
    said(desk, "It is lifted")
    numbers = iter(range(1_000))
    until(lambda: write(f"Words, number {next(numbers)}.") == 201)
