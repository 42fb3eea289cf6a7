"""What authors do with their own comments, and what they are told while they write them."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from engagement import clock
from tests.browser.footer import (
    ACTIVE,
    agree,
    comment,
    open_article,
    own,
    refuse,
    reload_until,
    tab_to,
    text_of,
    write,
)
from tests.browser.window import Watch
from tests.browser.writers import Writer, change, hold, is_counted
from tests.servers import Served
from tests.waiting import until


def test_an_author_edits_a_comment_and_everybody_sees_when(page: Page, article: str) -> None:
    open_article(page, article)
    posted = write(page, "A *tipo* here.", name="Ida")
    own(posted, "Edit your comment").click()
    box = posted.get_by_role("textbox", name="Edit your comment")
    expect(box).to_have_value("A *tipo* here.")
    expect(box).to_be_focused()
    expect(text_of(posted)).to_be_hidden()
    box.fill("A **typo** here.")
    own(posted, "Save").click()
    expect(text_of(posted).locator("strong")).to_have_text("typo")
    expect(posted.locator(".edited")).to_have_text("edited just now")
    expect(posted.locator("> article")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("Your comment was changed.")
    expect(posted.locator("textarea")).to_have_count(0)

    def edited() -> None:
        expect(comment(page, "here").locator("strong")).to_have_text("typo", timeout=1000)
        expect(comment(page, "here").locator(".edited")).to_be_visible(timeout=1000)

    reload_until(page, edited)
    own(comment(page, "here"), "Edit your comment").click()
    expect(comment(page, "here").locator("textarea")).to_have_value("A **typo** here.")


def test_nobody_edits_or_deletes_the_comment_of_another(page: Page, service: Served, article: str) -> None:
    Writer(service, article, "Ben").post("Of Ben.")
    open_article(page, article)
    write(page, "Of Ida.")
    expect(own(comment(page, "Of Ida"), "Edit your comment")).to_be_visible()
    expect(own(comment(page, "Of Ben"), "Edit your comment")).to_have_count(0)
    expect(own(comment(page, "Of Ben"), "Delete your comment")).to_have_count(0)


def test_an_edit_in_another_window_is_shown_and_nothing_typed_is_lost(
    page: Page, service: Served, article: str, watch: Watch
) -> None:
    watch.allow("412")
    ida = Writer(service, article, "Ida")
    id = ida.post("First thought.")
    ida.sits_at(page)
    open_article(page, article)
    posted = page.locator("li.comment")
    own(posted, "Edit your comment").click()
    posted.locator("textarea").fill("Second thought, here.")
    ida.edit(id, "Second thought, *elsewhere*.")
    own(posted, "Save").click()
    expect(posted.locator(".composer .note")).to_contain_text("was changed meanwhile")
    present = posted.get_by_role("group", name="The present text")
    expect(present.locator("p")).to_have_text("Second thought, *elsewhere*.")
    expect(posted.locator("textarea")).to_have_value("Second thought, here.")
    expect(posted.locator("textarea")).to_be_focused()
    page.reload()
    own(posted, "Edit your comment").click()
    expect(posted.locator("textarea")).to_have_value("Second thought, here.")
    expect(present).to_be_visible()
    own(posted, "Save").click()
    expect(text_of(posted)).to_have_text("Second thought, here.")
    expect(present).to_have_count(0)


def test_an_edit_of_what_was_deleted_elsewhere_says_so_and_keeps_the_text(
    page: Page, service: Served, article: str, watch: Watch
) -> None:
    watch.allow("404")
    ida = Writer(service, article, "Ida")
    id = ida.post("Here.")
    ida.sits_at(page)
    open_article(page, article)
    posted = page.locator("li.comment")
    own(posted, "Edit your comment").click()
    posted.locator("textarea").fill("Here, and long.")
    ida.delete(id)
    own(posted, "Save").click()
    expect(posted.locator(".composer .note")).to_have_text(
        "This comment is not there any more. Your text stays in the box."
    )
    expect(posted.locator("textarea")).to_have_value("Here, and long.")


def test_an_edit_whose_answer_was_lost_is_no_conflict(page: Page, article: str, watch: Watch) -> None:
    watch.allow("412")
    watch.allow("503")
    tried: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        if route.request.method != "PATCH":
            route.continue_()
            return
        tried.append(route.request.method)
        if len(tried) == 1:
            route.fetch()
            route.fulfill(status=503, headers={"Retry-After": "1"}, body="{}")
        else:
            route.continue_()

    open_article(page, article)
    posted = write(page, "Once.")
    page.route("**/comments/*", lose_the_first_answer)
    own(posted, "Edit your comment").click()
    posted.locator("textarea").fill("Once, and changed.")
    posted.locator("textarea").press("Control+Enter")
    expect(text_of(posted)).to_have_text("Once, and changed.")
    expect(posted.locator("textarea")).to_have_count(0)
    assert len(tried) == 2


def test_after_the_time_for_edits_a_comment_can_be_deleted_still(
    page: Page, service: Served, article: str, watch: Watch
) -> None:
    watch.allow("403")
    ida = Writer(service, article, "Ida")
    old, young = ida.post("An old one."), ida.post("A young one.")
    change(service, old, created_at=clock.now() - timedelta(minutes=16))
    ida.sits_at(page)
    open_article(page, article)
    expect(own(comment(page, "old"), "Delete your comment")).to_be_visible()
    expect(own(comment(page, "old"), "Edit your comment")).to_have_count(0)
    own(comment(page, "young"), "Edit your comment").click()
    comment(page, "young").locator("textarea").fill("Not so young.")
    change(service, young, created_at=clock.now() - timedelta(minutes=16))
    own(comment(page, "young"), "Save").click()
    expect(page.locator("li.comment .composer .note")).to_have_text(
        "The time in which it could be edited is over."
    )
    expect(page.locator("li.comment textarea")).to_have_value("Not so young.")


def test_the_edit_button_goes_when_its_time_is_over(page: Page, article: str) -> None:
    page.clock.install()
    open_article(page, article)
    posted = write(page, "Only for a while.")
    own(posted, "Edit your comment").focus()
    page.clock.run_for(15 * 60_000 + 1)
    expect(own(posted, "Edit your comment")).to_have_count(0)
    expect(own(posted, "Delete your comment")).to_be_focused()


def test_a_comment_is_deleted_after_one_question(page: Page, service: Served, article: str) -> None:
    Writer(service, article, "Ben").post("Below.")
    until(lambda: is_counted(service, article, 1))
    open_article(page, article)
    posted = write(page, "Better unsaid.")
    own(posted, "Delete your comment").click()
    expect(own(posted, "Yes, delete it")).to_be_focused()
    page.keyboard.press("Escape")
    expect(own(posted, "Delete your comment")).to_be_focused()
    own(posted, "Delete your comment").click()
    own(posted, "Yes, delete it").click()
    expect(page.locator("li.comment")).to_have_count(1)
    expect(comment(page, "Below").locator("> article")).to_be_focused()
    expect(page.get_by_role("heading", name="1 comment")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Your comment was deleted.")
    page.reload()
    expect(comment(page, "Below")).to_be_visible()
    expect(page.get_by_text("Better unsaid.")).to_have_count(0)


def test_a_deleted_comment_with_replies_stays_as_a_stone(page: Page, service: Served, article: str) -> None:
    ida = Writer(service, article, "Ida")
    Writer(service, article, "Ben").post("I disagree.", ida.post("Said too soon."))
    ida.sits_at(page)
    open_article(page, article)
    posted = page.locator("ol.comments > li.comment")
    own(posted, "Delete your comment").click()
    own(posted, "Yes, delete it").click()
    stone = page.get_by_role("article", name="This comment was removed.")
    expect(stone).to_be_focused()
    expect(stone.get_by_role("button")).to_have_count(0)
    expect(comment(page, "I disagree.")).to_be_visible()
    expect(page.get_by_text("Said too soon.")).to_have_count(0)


def test_what_waits_for_a_moderator_is_shown_to_its_author_alone(
    page: Page, service: Served, article: str
) -> None:
    ida, ben = Writer(service, article, "Ida"), Writer(service, article, "Ben")
    root = ben.post("A root.")
    waiting, reply = ida.post("Please *read* me."), ida.post("And my answer.", root)
    hold(service, waiting)
    hold(service, reply)
    open_article(page, article)
    expect(comment(page, "A root.")).to_be_visible()
    expect(page.locator("li.comment")).to_have_count(1)
    ida.sits_at(page)
    open_article(page, article)
    held = page.locator(f"li[data-id='{waiting}']")
    expect(held.locator(".badge")).to_have_text("Waits for a moderator")
    expect(held.locator(".pending")).to_contain_text("Only you can see this. It was written in a form")
    expect(agree(held)).to_have_count(0)
    below = comment(page, "A root.").locator("ol.replies > li")
    expect(below.locator(".badge")).to_have_text("Waits for a moderator")
    page.get_by_label("Sort by").select_option("Oldest")
    expect(held).to_be_visible()
    expect(page.locator("li.comment")).to_have_count(3)
    own(held, "Edit your comment").click()
    expect(held.locator("textarea")).to_have_value("Please *read* me.")
    held.locator("textarea").fill("Please read me *soon*.")
    own(held, "Save").click()
    expect(text_of(held).locator("em")).to_have_text("soon")
    expect(held.locator(".badge")).to_be_visible()
    own(held, "Delete your comment").click()
    own(held, "Yes, delete it").click()
    expect(page.locator("li.comment")).to_have_count(2)


def test_a_comment_that_is_posted_to_wait_says_so(page: Page, service: Served, article: str) -> None:
    def hold_it(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        answer = route.fetch()
        hold(service, answer.json()["id"])
        route.fulfill(response=answer, json=answer.json() | {"status": "pending", "held_for": "a reason"})

    page.route("**/comments", hold_it)
    open_article(page, article)
    posted = write(page, "Is this fine?")
    expect(posted.locator(".badge")).to_have_text("Waits for a moderator")
    expect(posted.locator(".pending")).to_have_text("Only you can see this. It is read before it appears.")
    expect(page.get_by_role("heading", name="0 comments")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("A moderator will look at your comment")
    expect(own(posted, "Edit your comment")).to_be_visible()


def test_a_preview_shows_what_a_comment_will_be(page: Page, article: str) -> None:
    open_article(page, article)
    composer = page.locator(".talk > form.composer")
    preview = composer.get_by_role("tab", name="Preview")
    preview.click()
    expect(composer.get_by_role("tabpanel", name="Preview")).to_have_text("There is nothing to show yet.")
    composer.get_by_role("tab", name="Write").click()
    composer.get_by_label("Add a comment").fill("It is **bold** <script>x</script>")
    composer.get_by_role("tab", name="Write").focus()
    page.keyboard.press("ArrowRight")
    expect(preview).to_be_focused()
    expect(preview).to_have_attribute("aria-selected", "true")
    panel = composer.get_by_role("tabpanel", name="Preview")
    expect(panel.locator("strong")).to_have_text("bold")
    expect(panel.locator("script")).to_have_count(0)
    expect(composer.get_by_label("Add a comment")).to_be_hidden()
    composer.get_by_role("button", name="Post comment").click()
    expect(page.locator("li.comment .body strong")).to_have_text("bold")


def test_a_preview_that_does_not_come_says_why_and_comes_when_asked_again(
    page: Page, article: str, watch: Watch
) -> None:
    watch.allow("429")
    busy: dict[str, object] = {
        "type": "urn:engagement:problem:too-fast",
        "title": "Too many requests",
        "status": 429,
    }
    refuse(page, "**/preview", 429, busy, **{"Retry-After": "7"})
    open_article(page, article)
    composer = page.locator(".talk > form.composer")
    composer.get_by_label("Add a comment").fill("Patience.")
    composer.get_by_role("tab", name="Preview").click()
    panel = composer.get_by_role("tabpanel", name="Preview")
    expect(panel).to_have_text("That was a lot in a short time. Please try again in about 7 seconds.")
    page.unroute("**/preview")
    composer.get_by_role("tab", name="Preview").click()
    expect(panel).to_have_text("Patience.")


def test_the_same_text_twice_is_refused_at_the_composer(page: Page, article: str, watch: Watch) -> None:
    watch.allow("409")
    open_article(page, article)
    write(page, "I have thought about this.")
    box = page.get_by_label("Add a comment")
    box.fill("I have thought about this.")
    page.get_by_role("button", name="Post comment").click()
    expect(page.locator(".talk > .composer .note")).to_contain_text("You have just said that")
    expect(box).to_have_value("I have thought about this.")
    expect(box).to_be_focused()
    page.reload()
    expect(box).to_have_value("I have thought about this.")


def test_an_article_that_was_closed_meanwhile_keeps_the_draft(page: Page, article: str, watch: Watch) -> None:
    watch.allow("409")
    open_article(page, article)
    close: dict[str, object] = {
        "type": "urn:engagement:problem:closed",
        "detail": "This article takes no more comments.",
    }
    refuse(page, "**/comments", 409, close)
    page.get_by_label("Add a comment").fill("Too late?")
    page.get_by_role("button", name="Post comment").click()
    expect(page.locator(".composer .note")).to_have_text(
        "This article takes no more comments. Your comment stays in the box."
    )
    expect(page.get_by_label("Add a comment")).to_have_value("Too late?")


def test_an_answer_to_a_comment_that_is_gone_says_so_and_keeps_the_draft(
    page: Page, service: Served, article: str, watch: Watch
) -> None:
    watch.allow("422")
    ben = Writer(service, article, "Ben")
    id = ben.post("For a moment.")
    open_article(page, article)
    root = page.locator("li.comment")
    root.get_by_role("button", name="Reply to Ben").click()
    root.get_by_role("textbox", name="Reply to Ben").fill("What moment?")
    ben.delete(id)
    root.get_by_role("button", name="Post reply").click()
    expect(root.locator(".composer .note")).to_have_text("The comment that you answer is not there any more.")
    expect(root.get_by_role("textbox", name="Reply to Ben")).to_have_value("What moment?")


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_comment_is_edited_and_deleted_with_the_keyboard(page: Page, article: str, key: str) -> None:
    open_article(page, article)
    write(page, "Typed.")
    tab_to(page, "[aria-label='Edit your comment']")
    page.keyboard.press(key)
    page.keyboard.press("Control+A")
    page.keyboard.type("Typed again.")
    page.keyboard.press("Control+Enter")
    expect(text_of(page.locator("li.comment"))).to_have_text("Typed again.")
    assert page.evaluate(f"{ACTIVE}.tagName") == "ARTICLE"
    tab_to(page, "[aria-label='Delete your comment']")
    page.keyboard.press(key)
    page.keyboard.press(key)
    expect(page.locator("li.comment")).to_have_count(0)
    expect(page.get_by_text("There are no comments yet.")).to_be_visible()
