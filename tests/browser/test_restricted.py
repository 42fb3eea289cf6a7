"""A reader reports a comment; an author is told why theirs is gone, appeals, and is heard."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from engagement.db.engine import Database
from engagement.embedded.folder import paths_for
from tests.browser.desk import faults
from tests.browser.footer import comment, mood, open_article, own
from tests.browser.window import Watch
from tests.browser.writers import Writer
from tests.servers import Served
from tests.staffing import headers_of
from tests.waiting import until

ADMIN = "/v1/demo/admin"


@pytest.fixture
def staff(service: Served) -> Any:
    """Calls of two moderators: `staff(who, path, body)`, `who` 0 or 1."""
    database = Database(f"sqlite:///{paths_for(service.data).database}")
    with closing(database):
        members = [headers_of(database, role="moderator") for _ in range(2)]

    def call(who: int, path: str, body: Any = None) -> Any:
        method = "GET" if body is None else "POST"
        answer = requests.request(
            method, f"{service.url}{ADMIN}{path}", json=body, headers=members[who], timeout=10
        )
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    return call


def test_a_reader_reports_a_comment_by_keyboard(
    page: Page, service: Served, article: str, staff: Any, watch: Watch
) -> None:
    watch.allow("Applying inline style")  # by axe
    id = Writer(service, article, "Ida").post("Buy this at once")
    open_article(page, article)
    one = comment(page, "Buy this")
    button = own(one, "Report the comment by Ida")
    expect(button).to_have_attribute("aria-expanded", "false")
    button.press("Enter")
    expect(one.locator("select")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    expect(one.locator("select")).to_have_count(0)
    button.press("Enter")
    assert faults(page) == []
    one.locator("select").select_option("abuse")
    one.get_by_label("A word to the moderators").fill("Look at this.")
    one.get_by_role("button", name="Send the report").press("Enter")
    expect(page.get_by_text("Thank you. A moderator will look at this comment.")).to_be_visible()
    expect(button).to_be_focused()
    case = staff(0, f"/comments/{id}")
    assert case["reports"]


def test_ones_own_comment_has_nothing_to_report(page: Page, service: Served, article: str) -> None:
    writer = Writer(service, article, "Ida")
    writer.post("My own words")
    writer.sits_at(page)
    open_article(page, article)
    one = comment(page, "My own words")
    expect(own(one, "Delete your comment")).to_be_visible()
    expect(one.get_by_role("button", name="Report the comment by Ida")).to_have_count(0)


def test_a_banned_reader_is_told_why_until_when_and_how_to_appeal(
    page: Page, service: Served, article: str, staff: Any, watch: Watch
) -> None:
    watch.allow("403")
    writer = Writer(service, article, "Ida")
    id = writer.post("Some words")
    case = staff(0, f"/comments/{id}")
    writer.sits_at(page)
    open_article(page, article)
    told = page.get_by_role("region", name="About what you wrote")
    expect(told).to_be_hidden()
    wanted = {"kind": "suspension", "reason": "hate", "until": "2099-05-04T10:00:00Z"}
    author = case["author"]["id"]
    staff(0, f"/readers/{author}/bans", wanted)

    def refused() -> bool:  # by the process that answers, within a second
        with page.expect_response(lambda answer: answer.url.endswith("/reaction")) as answer:
            mood(page, "Happy").click()
        return answer.value.status == 403

    until(refused)
    expect(page.get_by_text("You can read, but not write here, until").first).to_be_visible()
    expect(told.get_by_text("It is hateful towards a group of people.")).to_be_visible()
    expect(told.get_by_text("2099")).to_be_visible()
    expect(told.get_by_role("button", name="Appeal")).to_be_visible()
