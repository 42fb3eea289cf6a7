"""Orders, and more of a list: page by page, left for long, and while the service is busy."""

import pytest
import redis
from playwright.sync_api import Page, expect

from engagement.embedded.folder import paths_for
from engagement.embedded.redis import RedisFolder
from tests.browser.footer import bodies, comment, in_pages_of, open_article, reload_until, write
from tests.browser.window import Watch
from tests.browser.writers import Writer
from tests.servers import Served

MORE = "Show more comments"


def test_every_order_brings_its_comments(page: Page, service: Served, article: str) -> None:
    ann, ben = Writer(service, article, "Ann"), Writer(service, article, "Ben")
    disputed, liked, answered = (ann.post(text) for text in ("disputed", "liked", "answered"))
    for writer in (ann, ben):
        writer.vote(liked, 1)
        writer.post("an answer", answered)
    ann.vote(disputed, 1)
    ben.vote(disputed, -1)
    open_article(page, article)
    sort = page.get_by_label("Sort by")
    for label, first in {
        "Oldest": "disputed", "Best": "liked", "Top": "liked", "Hot": "liked",
        "Most discussed": "answered", "Controversial": "disputed", "Newest": "answered",
    }.items():  # fmt: skip

        def stands(label: str = label, first: str = first) -> None:
            sort.select_option(label)
            expect(bodies(page).first).to_have_text(first, timeout=1000)

        reload_until(page, stands)  # votes may still be on their way


def test_the_order_that_a_reader_chose_is_remembered_on_the_site(page: Page, article: str) -> None:
    open_article(page, article)
    write(page, "one")
    page.get_by_label("Sort by").select_option("Oldest")
    expect(page.get_by_role("status")).to_have_text("Comments sorted: Oldest.")
    with page.expect_request("**/footer?*") as asked:
        page.goto(f"/?article={article}-2")
    assert asked.value.url.endswith("sort=oldest")


def test_a_list_that_was_left_for_long_is_begun_again_when_the_reader_wants(
    page: Page, service: Served, article: str, watch: Watch
) -> None:
    watch.allow("410")
    ann = Writer(service, article, "Ann")
    for number in range(6):
        ann.post(f"Number {number}.")
    in_pages_of(page, 2)
    open_article(page, article)
    page.get_by_label("Sort by").select_option("Top")
    expect(page.get_by_role("status")).to_have_text("Comments sorted: Top.")
    more = page.locator(".talk > .more button")
    more.click()
    expect(page.locator("li.comment")).to_have_count(4)
    with redis.Redis.from_url(RedisFolder(paths_for(service.data).redis).url) as server:
        for key in [*server.scan_iter("*:walked:*"), *server.scan_iter("*:walk:*")]:
            server.unlink(key)
    more.click()
    note = page.locator(".talk > .more .note")
    expect(note).to_have_text("This list was left for a long time, and it has changed since.")
    expect(more).to_have_text("Begin again from the first page")
    expect(more).to_be_focused()
    expect(page.locator("li.comment")).to_have_count(4)
    more.click()
    expect(page.locator("li.comment")).to_have_count(2)
    expect(page.locator("li.comment > article").first).to_be_focused()
    for count in (4, 6):
        page.get_by_role("button", name=MORE).click()
        expect(page.locator("li.comment")).to_have_count(count)
    expect(more).to_have_count(0)


@pytest.mark.parametrize("what", ["comments", "replies"])
def test_more_that_does_not_come_is_offered_again(
    page: Page, service: Served, article: str, watch: Watch, what: str
) -> None:
    watch.allow("503")
    ann = Writer(service, article, "Ann")
    root = None
    for number in range(5):
        id = ann.post(f"Number {number}.", root)
        root = root or (id if what == "replies" else None)
    in_pages_of(page, 2)
    open_article(page, article)
    busy = {"type": "urn:engagement:problem:unavailable", "title": "Not available right now", "status": 503}
    page.route(
        "**/*cursor=*",
        lambda route: route.fulfill(status=503, headers={"Retry-After": "5"}, json=busy),
        times=1,
    )
    more = page.locator(".more button")
    more.click()
    expect(page.locator(".more .note")).to_have_text(
        "The conversation is busy. Please try again in about 5 seconds."
    )
    expect(more).to_have_text("Try again")
    expect(more).to_be_focused()
    more.click()
    expect(page.locator(".more .note")).to_have_count(1 if what == "comments" else 0)


def test_a_comment_that_is_on_the_page_is_not_shown_again(page: Page, service: Served, article: str) -> None:
    ann = Writer(service, article, "Ann")
    for number in range(4):
        ann.post(f"Number {number}.")
    in_pages_of(page, 2)
    page.add_init_script(f"localStorage.setItem('engagement:sort:{service.url}:demo', '\"oldest\"')")
    open_article(page, article)
    write(page, "Mine, the last.")
    expect(bodies(page)).to_have_text(["Mine, the last.", "Number 0.", "Number 1."])
    page.get_by_role("button", name=MORE).click()
    expect(comment(page, "Number 2.").locator("> article")).to_be_focused()
    page.get_by_role("button", name=MORE).click()
    expect(page.get_by_role("button", name=MORE)).to_have_count(0)
    expect(bodies(page)).to_have_text(["Mine, the last.", *(f"Number {number}." for number in range(4))])
