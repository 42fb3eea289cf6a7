"""Where a moderator has closed a thread, no reader is invited to write what would be refused."""

from playwright.sync_api import Page, expect

from tests.browser.footer import comment, open_article
from tests.browser.writers import Writer, change
from tests.servers import Served

CLOSED = "This thread is closed to replies."


def test_a_closed_thread_says_so_once_and_offers_no_reply(page: Page, service: Served, article: str) -> None:
    ann = Writer(service, article, "Ann")
    quarrel = ann.post("The quarrel")
    answer = ann.post("An answer", quarrel)
    ann.post("An answer to that", answer)
    ann.post("Something else")
    change(service, quarrel, replies_closed=True)
    open_article(page, article)
    closed = comment(page, "The quarrel")
    expect(closed.get_by_text("An answer to that")).to_be_visible()
    expect(closed.get_by_text(CLOSED)).to_have_count(1)
    expect(closed.locator(":scope > article").get_by_text(CLOSED)).to_be_visible()
    expect(closed.get_by_role("button", name="Reply")).to_have_count(0)
    expect(closed.get_by_role("button", name="Report").first).to_be_visible()
    expect(comment(page, "Something else").get_by_role("button", name="Reply")).to_be_visible()
    page.goto(f"/?article={article}#comment-{answer}")
    page.reload()  # so that it is shown alone, with what is above and below
    expect(comment(page, "An answer to that")).to_be_visible()
    expect(page.get_by_text("Something else")).to_have_count(0)
    expect(page.get_by_text(CLOSED)).to_have_count(1)
    expect(page.get_by_role("button", name="Reply")).to_have_count(0)
