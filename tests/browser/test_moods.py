"""Choosing, changing and taking back a mood."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.footer import ACTIVE, fits, mood, open_article, reload_until, standing, tab_to, tally
from tests.browser.window import DESKTOP, PHONE, Watch

KEYS = ["happy", "sad", "angry", "dont_care", "inspired", "afraid", "amused", "annoyed"]


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], indirect=True, ids=["phone", "desktop"])
def test_eight_moods_are_offered_in_order_and_fit_the_page(page: Page, article: str) -> None:
    open_article(page, article)
    assert list(tally(page)) == KEYS
    assert set(tally(page).values()) == {0}
    assert fits(page)


def test_a_reaction_is_counted_and_survives_a_reload(page: Page, article: str) -> None:
    open_article(page, article)
    mood(page, "Happy").click()
    expect(mood(page, "Happy")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("status")).to_have_text("You chose Happy.")
    assert tally(page)["happy"] == 1
    expect(mood(page, "Happy")).to_contain_text("100%")
    page.reload()
    expect(mood(page, "Happy")).to_have_attribute("aria-pressed", "true")
    assert sum(tally(page).values()) == tally(page)["happy"] == 1


def test_choosing_another_mood_moves_the_reaction(page: Page, article: str) -> None:
    open_article(page, article)
    mood(page, "Happy").click()
    mood(page, "Inspired").click()
    expect(page.get_by_role("status")).to_have_text("You chose Inspired.")
    expect(mood(page, "Happy")).to_have_attribute("aria-pressed", "false")
    expect(mood(page, "Inspired")).to_have_attribute("aria-pressed", "true")
    assert tally(page) == {key: int(key == "inspired") for key in KEYS}


def test_choosing_the_same_mood_again_takes_it_back(page: Page, article: str) -> None:
    open_article(page, article)
    mood(page, "Sad").click()
    expect(page.get_by_role("status")).to_have_text("You chose Sad.")
    mood(page, "Sad").click()
    expect(page.get_by_role("status")).to_have_text("Your reaction was taken back.")
    expect(mood(page, "Sad")).to_have_attribute("aria-pressed", "false")
    assert set(tally(page).values()) == {0}


def test_hurried_clicks_end_at_the_last_choice(page: Page, article: str) -> None:
    open_article(page, article)
    for name in ("Happy", "Sad", "Angry", "Afraid", "Amused"):
        mood(page, name).click()
    expect(page.get_by_role("status")).to_have_text("You chose Amused.")
    page.reload()
    expect(mood(page, "Amused")).to_have_attribute("aria-pressed", "true")
    assert tally(page) == {key: int(key == "amused") for key in KEYS}


def test_a_second_reader_sees_the_tally_and_adds_to_it(new_reader: Callable[[], Page], article: str) -> None:
    first, second = new_reader(), new_reader()
    open_article(first, article)
    mood(first, "Happy").click()
    expect(first.get_by_role("status")).to_have_text("You chose Happy.")

    second.goto(f"/?article={article}")
    reload_until(
        second, lambda: expect(mood(second, "Happy").locator(".count")).to_have_text("1", timeout=1000)
    )
    expect(mood(second, "Happy")).to_have_attribute("aria-pressed", "false")
    mood(second, "Annoyed").click()
    expect(second.get_by_role("status")).to_have_text("You chose Annoyed.")
    assert tally(second) == {key: int(key in ("happy", "annoyed")) for key in KEYS}
    expect(mood(second, "Happy")).to_contain_text("50%")


def test_a_busy_service_keeps_the_choice_and_gets_it_later(page: Page, article: str, watch: Watch) -> None:
    watch.allow("503")
    refused: list[str] = []

    def refuse_twice(route: Route) -> None:
        if len(refused) == 2:
            route.continue_()
            return
        refused.append(route.request.method)
        route.fulfill(
            status=503,
            headers={"Retry-After": "1", "Content-Type": "application/problem+json"},
            body='{"type": "about:blank", "title": "Busy", "status": 503}',
        )

    page.route("**/reaction", refuse_twice)
    open_article(page, article)
    mood(page, "Happy").click()
    note = page.locator(".feel .note")
    expect(note).to_contain_text("Your choice is kept while this page is open.")
    expect(mood(page, "Happy")).to_have_attribute("aria-pressed", "true")
    expect(note).to_be_hidden()
    assert refused == ["PUT", "PUT"]
    page.reload()
    expect(mood(page, "Happy")).to_have_attribute("aria-pressed", "true")
    assert tally(page)["happy"] == 1


def test_a_choice_made_offline_is_sent_when_the_reader_is_back(
    page: Page, article: str, watch: Watch
) -> None:
    watch.allow("ERR_INTERNET_DISCONNECTED")
    open_article(page, article)
    page.context.set_offline(True)
    expect(page.get_by_text("You are offline. Keep this page open")).to_be_visible()
    mood(page, "Afraid").click()
    expect(page.locator(".feel .note")).to_have_text(
        "You are offline. Your choice is kept while this page is open, and sent when you are back."
    )
    page.context.set_offline(False)
    expect(page.get_by_role("status")).to_have_text("You chose Afraid.")
    expect(page.locator(".feel .note")).to_be_hidden()
    assert tally(page)["afraid"] == 1


def test_a_token_that_is_no_longer_good_is_replaced(page: Page, article: str, watch: Watch) -> None:
    watch.allow("401")
    open_article(page, article)
    mood(page, "Happy").click()
    expect(page.get_by_role("status")).to_have_text("You chose Happy.")
    page.evaluate(
        """() => {
            const key = Object.keys(localStorage).find((each) => each.startsWith("engagement:reader:"));
            localStorage.setItem(key, JSON.stringify({token: "worthless"}));
        }"""
    )
    mood(page, "Sad").click()
    expect(page.get_by_role("status")).to_have_text("You chose Sad.")
    # The old token's choice stays: to the service this is somebody else.
    assert (tally(page)["happy"], tally(page)["sad"]) == (1, 1)


def test_a_footer_that_does_not_load_says_so_and_can_be_tried_again(
    page: Page, article: str, watch: Watch
) -> None:
    watch.allow("500")
    page.route("**/footer?*", lambda route: route.fulfill(status=500, body="no"), times=1)
    page.goto(f"/?article={article}")
    expect(page.get_by_text("The conversation could not be loaded.")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    standing(page)


def test_moods_work_with_the_keyboard_alone_and_keep_the_focus(page: Page, article: str) -> None:
    open_article(page, article)
    tab_to(page, "button[data-mood=happy]")
    page.keyboard.press("Space")
    expect(page.get_by_role("status")).to_have_text("You chose Happy.")
    assert page.evaluate(f"{ACTIVE}.dataset.mood") == "happy"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("You chose Sad.")
    assert page.evaluate(f"{ACTIVE}.dataset.mood") == "sad"
    expect(mood(page, "Happy")).to_have_attribute("aria-pressed", "false")
    outline = page.evaluate(f"getComputedStyle({ACTIVE}).outlineStyle")
    assert re.fullmatch("solid|auto", outline)
