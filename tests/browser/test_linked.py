"""Links to one comment, and what is shown to whoever comes by one."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.footer import comment, fits, in_pages_of, open_article, own, tab_to
from tests.browser.window import DESKTOP, PHONE, Watch
from tests.browser.writers import Writer, hold
from tests.servers import Served


def open_linked(page: Page, article: str, id: str) -> None:
    """Open the demo page at a comment."""
    page.goto(f"/?article={article}#comment-{id}")


def chain(writer: Writer, length: int) -> list[str]:
    """So many comments, each an answer to the one before."""
    ids = [writer.post("Level 0.")]
    for level in range(1, length):
        ids.append(writer.post(f"Level {level}.", ids[-1]))
    return ids


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], indirect=True, ids=["phone", "desktop"])
def test_a_linked_comment_is_shown_with_those_above_it_and_marked(
    page: Page, service: Served, article: str
) -> None:
    ben = Writer(service, article, "Ben")
    ids = chain(ben, 6)
    ben.post("Another thread.")
    open_linked(page, article, ids[4])
    expect(page.get_by_role("heading", name="A linked comment")).to_be_visible()
    linked = page.locator(f"li[data-id='{ids[4]}'] > article")
    expect(linked).to_be_focused()
    expect(linked).to_be_in_viewport()
    expect(linked).to_contain_class("marked")
    expect(page.locator("article.marked")).to_have_count(1)
    expect(page.locator("li.comment .body")).to_have_text([f"Level {level}." for level in range(5)])
    expect(page.get_by_text("Another thread.")).to_have_count(0)
    assert fits(page)

    page.get_by_role("button", name="Show all comments").click()
    expect(comment(page, "Another thread.").locator("> article")).to_be_focused()
    expect(page.get_by_role("heading", name="A linked comment")).to_be_hidden()
    expect(page.get_by_label("Sort by")).to_be_visible()
    assert page.evaluate("location.hash") == ""


def test_the_time_of_a_comment_is_a_link_to_it(page: Page, service: Served, article: str) -> None:
    ben = Writer(service, article, "Ben")
    ben.post("First.")
    id = ben.post("Second.")
    open_article(page, article)
    second = comment(page, "Second.")
    second.get_by_role("link", name="Link to this comment, just now").click()
    expect(second.locator("> article")).to_be_focused()
    expect(second.locator("> article")).to_contain_class("marked")
    assert page.evaluate("location.hash") == f"#comment-{id}"
    expect(page.locator("li.comment")).to_have_count(2)
    page.reload()
    expect(page.get_by_role("heading", name="A linked comment")).to_be_visible()
    expect(page.locator("li.comment")).to_have_count(1)
    page.evaluate("location.hash = ''")
    expect(page.locator("li.comment")).to_have_count(2)


def test_a_linked_comment_that_is_gone_says_so_above_the_others(
    page: Page, service: Served, article: str, watch: Watch
) -> None:
    watch.allow("404")
    ben = Writer(service, article, "Ben")
    ben.post("Still here.")
    gone = ben.post("Not for long.")
    ben.delete(gone)
    open_linked(page, article, gone)
    expect(page.get_by_role("alert").get_by_text("The linked comment is not there any more.")).to_be_visible()
    expect(comment(page, "Still here.")).to_be_visible()
    page.evaluate(f"location.hash = '#comment-{uuid4()}'")
    expect(page.get_by_text("The linked comment is not there any more.")).to_be_visible()
    expect(page.locator("li.comment")).to_have_count(1)


def test_a_linked_stone_says_that_the_comment_was_removed(page: Page, service: Served, article: str) -> None:
    ben = Writer(service, article, "Ben")
    root = ben.post("Said too soon.")
    ben.post("An answer to it.", root)
    ben.delete(root)
    open_linked(page, article, root)
    expect(page.get_by_role("article", name="This comment was removed.")).to_be_focused()
    expect(comment(page, "An answer to it.")).to_be_visible()


def test_ones_own_waiting_comment_can_be_linked_to(
    page: Page, service: Served, article: str, watch: Watch
) -> None:
    watch.allow("404")
    ida = Writer(service, article, "Ida")
    id = ida.post("For my eyes.")
    hold(service, id)
    ida.sits_at(page)
    open_linked(page, article, id)
    expect(comment(page, "For my eyes.").locator("> article")).to_be_focused()
    expect(page.get_by_text("The linked comment is not there any more.")).to_have_count(0)


def test_a_linked_comment_that_does_not_come_can_be_asked_for_again(
    page: Page, service: Served, article: str, watch: Watch
) -> None:
    watch.allow("503")
    ben = Writer(service, article, "Ben")
    id = ben.post("Here after all.")
    ben.post("A younger one.")
    in_pages_of(page, 1)
    page.route(f"**/comments/{id}", lambda route: route.fulfill(status=503, json={}), times=1)
    open_linked(page, article, id)
    expect(page.get_by_text("The linked comment could not be loaded.")).to_be_visible()
    page.locator(".linked").get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="A linked comment")).to_be_visible()
    expect(comment(page, "Here after all.").locator("> article.marked")).to_be_focused()


def test_a_linked_comment_is_answered_voted_on_and_edited_where_it_is(
    page: Page, service: Served, article: str
) -> None:
    ida = Writer(service, article, "Ida")
    ids = chain(ida, 5)
    ida.sits_at(page)
    open_linked(page, article, ids[4])
    linked = page.locator(f"li[data-id='{ids[4]}']")
    linked.get_by_role("button", name="Reply to Ida").click()
    linked.get_by_role("textbox", name="Reply to Ida").fill("Level 5.")
    linked.get_by_role("button", name="Post reply").click()
    answer = comment(page, "Level 5.")
    expect(answer.locator("> article")).to_be_focused()
    expect(answer.locator(".answers")).to_have_text("in reply to Ida")
    expect(own(linked, "Edit your comment")).to_be_visible()


def test_flat_replies_name_whom_they_answer_and_lead_there(page: Page, service: Served, article: str) -> None:
    ann, ben = Writer(service, article, "Ann"), Writer(service, article, "Ben")
    ids = chain(ann, 4)
    for text in ("One.", "Two."):
        ben.post(text, ids[3])
    ids.append(ann.post("Level 4.", ben.post("Three.", ids[3])))
    open_article(page, article)
    place = page.locator(f"li[data-id='{ids[2]}']")
    place.get_by_role("button", name="Show more replies").click()
    expect(place.locator("ol.replies > li > article .body")).to_have_text(
        ["Level 3.", "One.", "Two.", "Three.", "Level 4."]
    )
    expect(place.locator(f"li[data-id='{ids[3]}'] .answers")).to_have_count(0)
    assert place.locator(".answers").all_inner_texts() == ["in reply to Ann"] * 3 + ["in reply to Ben"]
    tab_to(page, f"li[data-id='{ids[4]}'] a.answers")
    page.keyboard.press("Enter")
    expect(comment(page, "Three.").locator("> article")).to_be_focused()
    page.go_back()
    comment(page, "Level 4.").locator("a.answers").click()
    comment(page, "Level 4.").locator("a.answers").click()
    expect(comment(page, "Three.").locator("> article")).to_be_focused()


def test_a_page_with_a_base_links_to_itself(
    page: Page, service: Served, embed: Callable[[str], str], article: str
) -> None:
    id = Writer(service, article, "Ben").post("Here, not there.")
    page.goto(embed(f'site="demo" article="{article}"'))
    page.evaluate(
        "document.head.append(Object.assign(document.createElement('base'), {href: '/elsewhere/'}))"
    )
    address = page.url
    comment(page, "Here").locator("a.when").click()
    expect(comment(page, "Here").locator("> article")).to_be_focused()
    assert page.url == f"{address}#comment-{id}"
