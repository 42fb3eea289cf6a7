"""How long the widget keeps trying, and what it says when it gives up."""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.footer import agree, mood, open_article, refuse, tally, write
from tests.browser.window import Watch

TOO_FAST = {"type": "urn:engagement:problem:too-fast", "title": "Too many requests", "status": 429}
TRIES = 6  # the first and five more


def test_a_wait_of_an_hour_takes_the_choice_back(page: Page, article: str, watch: Watch) -> None:
    watch.allow("429")
    writes = refuse(page, "**/readers", 429, TOO_FAST, **{"Retry-After": "3543"})
    open_article(page, article)
    mood(page, "Happy").click()
    expect(page.locator(".feel .note")).to_have_text(
        "Too many new readers from your network. Please try again in about an hour."
    )
    expect(mood(page, "Happy")).to_have_attribute("aria-pressed", "false")
    assert set(tally(page).values()) == {0}
    assert writes == ["POST"]


def test_a_wait_of_minutes_takes_a_vote_back(page: Page, article: str, watch: Watch) -> None:
    watch.allow("429")
    open_article(page, article)
    posted = write(page, "Judge me.")
    refuse(page, "**/vote", 429, TOO_FAST, **{"Retry-After": "241"})
    agree(posted).click()
    expect(posted.locator(".votes .note")).to_have_text(
        "That was a lot in a short time. Please try again in about 5 minutes."
    )
    expect(agree(posted)).to_have_accessible_name("Agree, 0")
    expect(agree(posted)).to_have_attribute("aria-pressed", "false")


def test_a_wait_of_an_hour_leaves_the_comment_in_its_box(page: Page, article: str, watch: Watch) -> None:
    watch.allow("429")
    refuse(page, "**/readers", 429, TOO_FAST, **{"Retry-After": "3543"})
    open_article(page, article)
    page.get_by_label("Add a comment").fill("Patience.")
    page.get_by_role("button", name="Post comment").click()
    expect(page.locator(".composer .note")).to_have_text(
        "Too many new readers from your network. Please try again in about an hour. "
        "Your comment stays in the box."
    )
    page.reload()
    expect(page.get_by_label("Add a comment")).to_have_value("Patience.")
    page.unroute("**/readers")
    page.get_by_role("button", name="Post comment").click()
    expect(page.locator("li.comment .body")).to_have_text("Patience.")


def test_a_short_wait_is_told_as_it_is(page: Page, article: str, watch: Watch) -> None:
    watch.allow("429")
    refuse(page, "**/reaction", 429, TOO_FAST, **{"Retry-After": "60"})
    open_article(page, article)
    mood(page, "Happy").click()
    expect(page.locator(".feel .note")).to_have_text(
        "Your choice is kept while this page is open. We will try again in about 60 seconds."
    )
    expect(mood(page, "Happy")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("what", ["reaction", "comment"])
def test_a_service_that_is_never_reached_is_given_up(
    page: Page, article: str, watch: Watch, what: str
) -> None:
    watch.allow("ERR_FAILED")
    tried: list[str] = []

    def lose(route: Route) -> None:
        if route.request.method == "GET":
            route.continue_()
            return
        tried.append(route.request.method)
        route.abort()

    page.clock.install()
    open_article(page, article)
    page.route("**/readers", lose)
    if what == "reaction":
        note = page.locator(".feel .note")
        mood(page, "Happy").click()
    else:
        note = page.locator(".composer .note")
        page.get_by_label("Add a comment").fill("Hello?")
        page.get_by_role("button", name="Post comment").click()
    for attempt in range(1, TRIES):
        expect(note).to_contain_text(
            f"try again in about {'a second' if attempt == 1 else 2 ** (attempt - 1)}"
        )
        page.clock.run_for(1000 * 2 ** (attempt - 1) * 5 // 4 + 1)
    if what == "reaction":
        expect(note).to_have_text("Your choice could not be saved. Please try again.")
        expect(mood(page, "Happy")).to_have_attribute("aria-pressed", "false")
    else:
        expect(note).to_have_text("Your comment could not be sent. It is still in the box: please try again.")
        expect(page.get_by_label("Add a comment")).to_have_value("Hello?")
    assert len(tried) == TRIES
    page.clock.run_for(120_000)
    assert len(tried) == TRIES
