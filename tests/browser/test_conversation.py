"""Comments, replies, votes and their order."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.footer import (
    ACTIVE,
    EMPTY,
    agree,
    bodies,
    cast,
    comment,
    disagree,
    fits,
    in_pages_of,
    mood,
    open_article,
    reload_until,
    tab_to,
    write,
)
from tests.browser.window import DESKTOP, PHONE, Watch


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], indirect=True, ids=["phone", "desktop"])
def test_an_article_without_comments_invites_the_first(page: Page, article: str) -> None:
    open_article(page, article)
    expect(page.get_by_text(EMPTY, exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="0 comments")).to_be_visible()
    assert fits(page)


def test_a_comment_stands_under_the_name_given_and_survives_a_reload(page: Page, article: str) -> None:
    open_article(page, article)
    posted = write(page, "The **first** word.", name="Ida")
    expect(posted.locator(".author")).to_have_text("Ida")
    expect(posted.locator(".body strong")).to_have_text("first")
    expect(posted.locator("time")).to_have_text("just now")
    expect(page.get_by_role("heading", name="1 comment")).to_be_visible()
    expect(page.get_by_text(EMPTY)).to_be_hidden()
    expect(page.get_by_label("Add a comment")).to_have_value("")
    expect(page.get_by_text("Commenting as Ida")).to_be_visible()

    def stands() -> None:
        expect(page.get_by_role("heading", name="1 comment")).to_be_visible(timeout=1000)
        expect(comment(page, "word.").locator(".author")).to_have_text("Ida", timeout=1000)

    reload_until(page, stands)
    expect(page.get_by_text("Commenting as Ida")).to_be_visible()


def test_a_comment_without_a_name_is_anonymous(page: Page, article: str) -> None:
    open_article(page, article)
    expect(write(page, "Nobody in particular.").locator(".author")).to_have_text("Anonymous")


def test_a_name_can_be_given_later(page: Page, article: str) -> None:
    open_article(page, article)
    write(page, "Still nameless.")
    page.get_by_role("button", name="Change name").click()
    expect(write(page, "Now I have one.", name="Bo").locator(".author")).to_have_text("Bo")


def test_a_reply_stands_below_its_comment(page: Page, article: str) -> None:
    open_article(page, article)
    parent = write(page, "Who goes there?", name="Guard")
    parent.get_by_role("button", name="Reply to Guard").click()
    parent.get_by_role("textbox", name="Reply to Guard").fill("Only me.")
    parent.get_by_role("button", name="Post reply").click()
    expect(parent.locator("ol.replies > li .body")).to_have_text("Only me.")
    expect(parent.locator("form.composer")).to_have_count(0)
    expect(page.get_by_role("heading", name="2 comments")).to_be_visible()
    reload_until(
        page,
        lambda: expect(comment(page, "there?").locator("ol.replies > li .body")).to_have_text(
            "Only me.", timeout=1000
        ),
    )


def test_giving_up_a_reply_returns_the_focus(page: Page, article: str) -> None:
    open_article(page, article)
    parent = write(page, "Say nothing.", name="Guard")
    parent.get_by_role("button", name="Reply to Guard").click()
    parent.get_by_role("button", name="Cancel").click()
    expect(parent.get_by_role("button", name="Reply to Guard")).to_be_focused()


def test_a_vote_is_counted_moved_and_taken_back(page: Page, article: str) -> None:
    open_article(page, article)
    posted = write(page, "Judge me.")
    cast(page, agree(posted))
    expect(agree(posted)).to_have_accessible_name("Agree, 1")
    expect(agree(posted)).to_have_attribute("aria-pressed", "true")
    cast(page, disagree(posted))
    expect(agree(posted)).to_have_accessible_name("Agree, 0")
    expect(disagree(posted)).to_have_accessible_name("Disagree, 1")

    def voted() -> None:
        expect(disagree(comment(page, "Judge"))).to_have_accessible_name("Disagree, 1", timeout=1000)
        expect(disagree(comment(page, "Judge"))).to_have_attribute("aria-pressed", "true", timeout=1000)

    reload_until(page, voted)
    cast(page, disagree(comment(page, "Judge")))
    expect(disagree(comment(page, "Judge"))).to_have_accessible_name("Disagree, 0")
    expect(disagree(comment(page, "Judge"))).to_have_attribute("aria-pressed", "false")


def test_comments_can_be_sorted(page: Page, article: str) -> None:
    open_article(page, article)
    for text in ("one", "two", "three"):
        write(page, text)
    cast(page, agree(comment(page, "two")))
    expect(agree(comment(page, "two"))).to_have_accessible_name("Agree, 1")
    sort = page.get_by_label("Sort by")
    assert sort.locator("option").all_inner_texts() == [
        "Best", "Newest", "Oldest", "Top", "Most discussed", "Controversial", "Hot",
    ]  # fmt: skip

    def top_is_two() -> None:
        expect(sort).to_be_visible(timeout=1000)
        sort.select_option("Top")
        expect(bodies(page).first).to_have_text("two", timeout=1000)

    reload_until(page, lambda: expect(bodies(page)).to_have_text(["three", "two", "one"], timeout=1000))
    sort.focus()
    sort.select_option("Oldest")
    expect(bodies(page)).to_have_text(["one", "two", "three"])
    expect(sort).to_be_focused()
    reload_until(page, top_is_two)


def test_a_second_reader_sees_the_comment_and_answers_it(
    new_reader: Callable[[], Page], article: str
) -> None:
    first, second = new_reader(), new_reader()
    open_article(first, article)
    write(first, "Is anyone here?", name="Ida")
    second.goto(f"/?article={article}")
    reload_until(second, lambda: expect(comment(second, "anyone")).to_be_visible(timeout=1000))
    seen = comment(second, "anyone")
    expect(seen.locator(".author")).to_have_text("Ida")
    cast(second, agree(seen))
    expect(agree(seen)).to_have_accessible_name("Agree, 1")
    reload_until(
        first,
        lambda: expect(agree(comment(first, "anyone"))).to_have_accessible_name("Agree, 1", timeout=1000),
    )
    expect(agree(comment(first, "anyone"))).to_have_attribute("aria-pressed", "false")


def test_a_draft_is_kept_until_it_is_accepted(page: Page, article: str) -> None:
    open_article(page, article)
    page.get_by_label("Add a comment").fill("Half a thou")
    page.reload()
    expect(page.get_by_label("Add a comment")).to_have_value("Half a thou")
    write(page, "A whole thought.")
    page.reload()
    expect(page.get_by_label("Add a comment")).to_have_value("")


def test_a_busy_service_gets_the_comment_later_and_once(page: Page, article: str, watch: Watch) -> None:
    watch.allow("503")
    keys: list[str | None] = []

    def lose_the_first_answer(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        keys.append(route.request.header_value("Idempotency-Key"))
        if len(keys) == 1:
            route.fetch()  # The service took it, but its answer is lost on the way.
            route.fulfill(status=503, headers={"Retry-After": "1"}, body="{}")
        else:
            route.continue_()

    page.route("**/comments", lose_the_first_answer)
    open_article(page, article)
    write(page, "Only once, please.")
    assert len(keys) == 2
    assert keys[0] == keys[1]
    reload_until(page, lambda: expect(bodies(page)).to_have_text(["Only once, please."], timeout=1000))


def test_too_long_a_comment_is_not_sent(page: Page, article: str) -> None:
    open_article(page, article)
    text = page.get_by_label("Add a comment")
    text.fill("a" * 4800)
    expect(page.get_by_text("200 characters left")).to_be_visible()
    text.fill("a" * 5001)
    page.get_by_role("button", name="Post comment").click()
    expect(page.get_by_role("alert").filter(has_text="1 characters too many")).to_be_visible()
    expect(page.locator("li.comment")).to_have_count(0)


def test_a_closed_article_can_be_read_and_nothing_more(page: Page, article: str) -> None:
    open_article(page, article)
    write(page, "The last word.")

    def close(route: Route) -> None:
        response = route.fetch()
        footer = response.json()
        footer["article"] |= {"title": "Closed", "comments_open": False, "reactions_open": False}
        route.fulfill(response=response, json=footer)

    page.route("**/footer?*", close)
    reload_until(page, lambda: expect(comment(page, "last")).to_be_visible(timeout=1000))
    expect(page.get_by_text("Comments on this article are closed.")).to_be_visible()
    expect(page.get_by_text("Reactions to this article are closed.").first).to_be_visible()
    expect(page.get_by_label("Add a comment")).to_have_count(0)
    expect(page.get_by_role("button", name="Reply")).to_have_count(0)
    expect(mood(page, "Happy")).to_be_disabled()


def test_the_whole_conversation_works_with_the_keyboard_alone(page: Page, article: str) -> None:
    open_article(page, article)
    tab_to(page, ".talk > .composer textarea")
    page.keyboard.type("Typed, not clicked.")
    page.keyboard.press("Control+Enter")
    expect(comment(page, "Typed")).to_be_visible()
    assert page.evaluate(f"{ACTIVE}.tagName") == "ARTICLE"
    tab_to(page, ".vote.up")
    page.keyboard.press("Space")
    expect(agree(comment(page, "Typed"))).to_have_accessible_name("Agree, 1")
    assert page.evaluate(f"{ACTIVE}.matches('.vote.up')")
    tab_to(page, "button.reply")
    page.keyboard.press("Enter")
    page.keyboard.type("And answered.")
    page.keyboard.press("Control+Enter")
    expect(comment(page, "Typed").locator("ol.replies .body")).to_have_text("And answered.")


def test_a_long_conversation_is_loaded_page_by_page(page: Page, article: str) -> None:
    open_article(page, article)
    for number in range(3):
        write(page, f"Number {number}.")
    in_pages_of(page, 2)
    reload_until(page, lambda: expect(bodies(page)).to_have_text(["Number 2.", "Number 1."], timeout=1000))
    page.get_by_role("button", name="Show more comments").click()
    expect(bodies(page)).to_have_text(["Number 2.", "Number 1.", "Number 0."])
    expect(page.get_by_role("button", name="Show more comments")).to_have_count(0)
    expect(comment(page, "Number 0.").locator("> article")).to_be_focused()


def test_a_name_has_room_for_as_much_as_the_service_takes(page: Page, article: str) -> None:
    open_article(page, article)
    name = page.get_by_label("Your name")
    name.press_sequentially("n" * 61)
    expect(name).to_have_value("n" * 60)
    expect(write(page, "By a long name.").locator(".author")).to_have_text("n" * 60)


def test_what_is_wrong_with_a_field_is_said_in_words(page: Page, article: str, watch: Watch) -> None:
    watch.allow("422")
    open_article(page, article)
    name = page.get_by_label("Your name")
    # As an older widget, or a script, would send it.
    name.evaluate("(input) => { input.removeAttribute('maxlength'); input.value = 'n'.repeat(61); }")
    page.get_by_label("Add a comment").fill("Who am I?")
    page.get_by_role("button", name="Post comment").click()
    expect(page.locator(".composer .note")).to_have_text("Your name is longer than 60 characters.")
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Add a comment")).to_have_value("Who am I?")


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], indirect=True, ids=["phone", "desktop"])
def test_a_very_long_comment_is_folded_until_all_of_it_is_asked_for(page: Page, article: str) -> None:
    open_article(page, article)
    posted = write(page, "\n\n".join(f"Verse {number}." for number in range(80)))
    body = posted.locator(".body")
    whole = body.evaluate("(body) => body.scrollHeight")
    assert whole > 1200
    show = posted.get_by_role("button", name="Show all of it")
    expect(show).to_have_attribute("aria-expanded", "false")
    assert show.get_attribute("aria-controls") == body.get_attribute("id")
    assert body.evaluate("(body) => body.clientHeight") < 600
    show.press("Enter")
    less = posted.get_by_role("button", name="Show less")
    expect(less).to_have_attribute("aria-expanded", "true")
    expect(less).to_be_focused()
    assert body.evaluate("(body) => body.clientHeight") == whole
    less.click()
    expect(show).to_be_in_viewport()


def test_a_link_in_the_folded_part_is_shown_when_it_gets_the_focus(page: Page, article: str) -> None:
    open_article(page, article)
    text = "\n\n".join(f"Verse {number}." for number in range(80))
    posted = write(page, f"{text}\n\n[the end](https://example.org/)")
    expect(posted.get_by_role("button", name="Show all of it")).to_be_visible()
    posted.get_by_role("link", name="the end").focus()
    expect(posted.get_by_role("button", name="Show less")).to_be_visible()


def test_a_comment_of_usual_length_is_never_folded(page: Page, article: str) -> None:
    open_article(page, article)
    posted = write(page, "\n\n".join(f"Verse {number}." for number in range(20)))
    body = posted.locator(".body")
    assert body.evaluate("(body) => body.clientHeight === body.scrollHeight")
    expect(posted.get_by_role("button", name="Show all of it")).to_have_count(0)
