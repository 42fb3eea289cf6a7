"""The console's queue in a browser: by keyboard, two at once, selections, undoing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import card, decided, faults, focused, press, queue, said, shown, sign_in
from tests.browser.footer import fits, open_article
from tests.browser.window import DESKTOP, PHONE, Watch
from tests.browser.writers import Writer, is_counted
from tests.servers import Served
from tests.waiting import until

NARROW = {"width": 360, "height": 740}


@pytest.fixture
def desk(page: Page, service: Served) -> Page:
    """An owner's."""
    return sign_in(page, service)


def write_some(service: Served, article: str, count: int) -> list[str]:
    """As many comments, by as many readers."""
    return [Writer(service, article, f"Reader {n}").post(f"Comment number {n} here.") for n in range(count)]


def filled(page: Page, article: str, count: int, name: str = "unmoderated") -> None:
    """Open the queue once so many comments are in it: a worker brings them there."""

    def there() -> bool:
        queue(page, article, name)
        return page.locator("article.card").count() == count

    until(there)


def test_who_comes_by_a_link_is_on_the_queue_and_the_link_is_used_up(page: Page, service: Served) -> None:
    sign_in(page, service, "--name", "Olga")
    expect(page.locator("details.who summary")).to_have_text("Olga")
    page.locator("details.who summary").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/moderate/demo/queue")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_comments_are_decided_on_by_keyboard_alone(desk: Page, service: Served, article: str) -> None:
    ids = write_some(service, article, 4)
    filled(desk, article, 4)
    press(desk, "j")
    assert focused(desk) == f"case-{ids[0]}"
    press(desk, "a")
    said(desk, "Approved.")
    expect(desk.locator(f"#case-{ids[1]}")).to_be_focused()
    press(desk, ["r", "2"])
    said(desk, "Rejected: Attack or insult.")
    expect(desk.locator(f"#case-{ids[2]}")).to_be_focused()
    press(desk, "s")
    said(desk, "Marked as spam.")
    expect(desk.locator(f"#case-{ids[3]}")).to_be_focused()
    expect(decided(desk)).to_have_count(3)
    until(lambda: len(shown(service, article)) == 2)


def test_a_decision_is_undone_by_a_key(desk: Page, service: Served, article: str) -> None:
    (id,) = write_some(service, article, 1)
    filled(desk, article, 1)
    press(desk, ["j", "s"])
    said(desk, "Marked as spam.")
    until(lambda: shown(service, article) == [])
    press(desk, "u")
    said(desk, "Undone.")
    expect(desk.locator(f"#case-{id}")).to_be_focused()
    until(lambda: len(shown(service, article)) == 1)


def test_a_rejected_comment_is_gone_from_the_page_of_a_reader(
    desk: Page, new_reader: Callable[[], Page], service: Served, article: str
) -> None:
    write_some(service, article, 2)
    until(lambda: is_counted(service, article, 2))
    reader = new_reader()
    open_article(reader, article)
    expect(reader.get_by_role("heading", name="2 comments")).to_be_visible()
    filled(desk, article, 2)
    press(desk, ["j", "r", "1"])
    said(desk, "Rejected: Spam.")

    def gone() -> bool:
        reader.reload()
        return reader.get_by_role("heading", name="1 comment", exact=True).count() == 1

    until(gone)
    expect(reader.get_by_text("Comment number 0 here.")).to_have_count(0)


def test_two_moderators_do_not_decide_on_the_same_comment_twice(
    desk: Page, new_reader: Callable[[], Page], service: Served, article: str, watch: Watch
) -> None:
    write_some(service, article, 2)
    other = sign_in(new_reader(), service, "--name", "Somebody else")
    filled(desk, article, 2)
    filled(other, article, 2)
    watch.allow("409")
    press(desk, "j")
    expect(card(desk, "number 0").locator(".claim")).to_have_text("You are on it")
    press(other, "j")
    expect(card(other, "number 0").locator(".claim")).to_contain_text("Owner is on it")
    press(desk, ["r", "2"])
    said(desk, "Rejected")
    press(other, "a")
    told = card(other, "number 0").get_by_role("alert")
    expect(told).to_contain_text("Somebody has decided on it meanwhile.")
    expect(card(other, "number 0").locator(".tag").first).to_have_text("rejected")
    assert len(shown(service, article)) == 1


def test_several_are_decided_on_at_once(
    desk: Page, new_reader: Callable[[], Page], service: Served, article: str, watch: Watch
) -> None:
    write_some(service, article, 3)
    filled(desk, article, 3)
    other = sign_in(new_reader(), service, "--name", "Somebody else")
    filled(other, article, 3)
    press(other, ["j", "j", "s"])
    said(other, "Marked as spam.")
    press(desk, ["j", "x", "j", "x", "j"])
    expect(desk.locator("#selected")).to_have_text("2 selected")
    desk.locator("#bulk").get_by_role("button", name="Approve").click()
    said(desk, "Approved: 1 comment. 1 comment had changed meanwhile.")
    expect(decided(desk)).to_have_count(1)
    expect(card(desk, "number 1").get_by_role("alert")).to_contain_text("meanwhile")
    expect(desk.locator("#bulk")).to_be_hidden()


def test_an_editor_clears_fifty_comments_by_keyboard_alone(desk: Page, service: Served, article: str) -> None:
    write_some(service, article, 50)
    filled(desk, article, 20)
    press(desk, "j")
    for number in range(50):
        if number == 18:  # who reads slowly is there when the next cards come, and stays where they were
            expect(desk.locator("article.card")).to_have_count(2 + 20)
        expect(desk.locator("article.card:focus")).to_contain_text(f"number {number} ")
        if number % 5 == 4:
            press(desk, ["r", "3"])
        else:
            press(desk, "a")
        expect(decided(desk)).to_have_count(number + 1)
    expect(desk.locator("#nothing")).to_be_visible()
    until(lambda: len(shown(service, article)) == 40)


def test_the_keys_are_explained_and_can_be_switched_off(desk: Page, service: Served, article: str) -> None:
    write_some(service, article, 1)
    filled(desk, article, 1)
    press(desk, "?")
    expect(desk.get_by_role("dialog", name="Keys")).to_be_visible()
    desk.get_by_label("Use these keys").uncheck()
    press(desk, ["Escape", "j", "a"])
    expect(decided(desk)).to_have_count(0)
    desk.locator("#keys").click()
    desk.get_by_label("Use these keys").check()
    press(desk, ["Escape", "j", "a"])
    expect(decided(desk)).to_have_count(1)


def test_what_readers_write_is_text_and_nothing_else(desk: Page, service: Served, article: str) -> None:
    evil = "<img src=x onerror=alert(1)> <script>alert(2)</script> <hx-partial hx-target=body>x</hx-partial>"
    Writer(service, article, "<b>Bob</b> <i>x").post(evil)
    filled(desk, article, 1)
    expect(desk.locator(".card .text")).to_have_text(evil)
    press(desk, ["j", "a"])
    said(desk, "Approved.")
    expect(decided(desk)).to_contain_text("<img src=x onerror=alert(1)>")


@pytest.mark.parametrize("viewport", [NARROW, PHONE, DESKTOP], indirect=True, ids=["360", "phone", "desktop"])
def test_the_queue_fits_its_window_and_axe_finds_nothing(desk: Page, service: Served, article: str) -> None:
    writer = Writer(service, article, "A reader with a name of some length")
    first = writer.post("An opinion, and " + "averylongwordindeed" * 12)
    writer.post("An answer to it.", first)
    filled(desk, article, 2)
    assert fits(desk)
    assert faults(desk) == []
    press(desk, ["j", "x", "r"])
    assert fits(desk)
    assert faults(desk) == []
    press(desk, "1")
    said(desk, "Rejected")
    assert faults(desk) == []
