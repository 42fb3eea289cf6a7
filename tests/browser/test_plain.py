"""Reading and joining the discussion with JavaScript switched off."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import requests
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.footer import fits, open_article, write
from tests.browser.publisher import Newspaper, newspaper
from tests.browser.window import DESKTOP, PHONE, Watch
from tests.servers import Served

SIZES = pytest.mark.parametrize("viewport", [PHONE, DESKTOP], indirect=True, ids=["phone", "desktop"])


@pytest.fixture
def without_scripts(
    browser: Browser, service: Served, viewport: ViewportSize, watch: Watch
) -> Iterator[Callable[[], Page]]:
    """Open a page in a window of its own, in which no script runs."""
    contexts = []

    def open_page() -> Page:
        context = browser.new_context(base_url=service.url, viewport=viewport, java_script_enabled=False)
        contexts.append(context)
        page = context.new_page()
        watch.page(page)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def paper() -> Iterator[Newspaper]:
    with newspaper() as paper:
        yield paper


@pytest.fixture
def say(service: Served, article: str) -> Callable[..., str]:
    """Post a comment by somebody new; answers its id."""

    def say(body: str, parent: str | None = None, name: str | None = None) -> str:
        site = f"{service.url}/v1/demo"
        reader = requests.post(f"{site}/readers", json={"name": name}, timeout=10).json()["token"]
        answer = requests.post(
            f"{site}/articles/{article}/comments",
            json={"body": body, "parent_id": parent},
            headers={"Authorization": f"Bearer {reader}"},
            timeout=10,
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    return say


def fragment(service: Served, article: str) -> str:
    answer = requests.get(f"{service.url}/v1/demo/articles/{article}/footer.html", timeout=10)
    return answer.content.decode()


def bodies(page: Page) -> list[str]:
    return [text.strip() for text in page.locator(".engagement-body").all_inner_texts()]


@SIZES
@pytest.mark.parametrize("styled", [True, False], ids=["styled", "bare"])
def test_the_footer_is_read_and_joined_without_scripts(
    without_scripts: Callable[[], Page],
    service: Served,
    paper: Newspaper,
    say: Callable[..., str],
    article: str,
    styled: bool,
) -> None:
    first = say("The night train is back.", name="Ann")
    say("At last.", parent=first)
    page = without_scripts()
    style = f"{service.url}/static/plain.css" if styled else None
    page.goto(paper.show(fragment(service, article), style))
    expect(page.get_by_role("heading", name="How does this make you feel?")).to_be_visible()
    assert bodies(page) == ["The night train is back.", "At last."]
    assert fits(page)

    page.get_by_role("link", name="Read and join the discussion").click()
    assert bodies(page) == ["The night train is back.", "At last."]
    page.get_by_label("Your comment").fill("It was **never** on time.")
    page.get_by_label("Your name (optional)").fill("Olu")
    page.get_by_role("button", name="Post comment").click()
    expect(page.get_by_role("status")).to_have_text(
        "A moderator will look at your comment before it appears."
    )
    assert page.url.endswith("/received")
    page.reload()
    assert fits(page)

    page.get_by_role("link", name="Back to the discussion").click()
    other = without_scripts()
    other.goto(page.url)
    for each in (page, other):
        assert bodies(each) == ["The night train is back.", "At last."]
    assert "never" not in fragment(service, article)


def test_a_reply_is_sent_from_the_page_of_its_comment(
    without_scripts: Callable[[], Page], say: Callable[..., str], article: str
) -> None:
    first = say("one", name="Ann")
    page = without_scripts()
    page.goto(f"/discussions/demo/{article}")
    page.get_by_role("link", name="Reply to Ann").click()
    assert first in page.url
    expect(page.get_by_role("heading", name="Reply to Ann")).to_be_in_viewport()
    page.get_by_label("Your comment").fill("two")
    page.get_by_role("button", name="Post comment").click()
    expect(page.get_by_role("status")).to_be_visible()


def test_going_back_and_sending_again_is_no_second_comment(
    without_scripts: Callable[[], Page], say: Callable[..., str], article: str
) -> None:
    page = without_scripts()
    page.goto(f"/discussions/demo/{article}")
    page.get_by_label("Your comment").fill("once")
    page.get_by_role("button", name="Post comment").click()
    expect(page.get_by_role("status")).to_be_visible()
    page.go_back()
    page.get_by_label("Your comment").fill("once")
    page.get_by_role("button", name="Post comment").click()
    expect(page.get_by_role("status")).to_be_visible()


def test_what_is_wrong_is_said_and_what_was_written_stays(
    without_scripts: Callable[[], Page], watch: Watch, article: str
) -> None:
    watch.allow("422")
    page = without_scripts()
    page.goto(f"/discussions/demo/{article}")
    page.get_by_label("Your comment").fill("x" * 5_001)
    page.get_by_role("button", name="Post comment").click()
    expect(page.get_by_role("alert")).to_have_text("Your comment is longer than 5000 characters.")
    page.get_by_label("Your comment").fill(page.get_by_label("Your comment").input_value()[:5_000])
    page.get_by_role("button", name="Post comment").click()
    expect(page.get_by_role("status")).to_be_visible()


def test_pages_and_orders_are_links(
    without_scripts: Callable[[], Page], say: Callable[..., str], article: str
) -> None:
    for n in range(23):
        say(f"comment {n}")
    page = without_scripts()
    page.goto(f"/discussions/demo/{article}")
    page.get_by_role("link", name="Oldest").click()
    assert bodies(page) == [f"comment {n}" for n in range(20)]
    page.get_by_role("link", name="More comments").click()
    assert bodies(page) == [f"comment {n}" for n in range(20, 23)]
    expect(page.get_by_role("link", name="More comments")).to_have_count(0)


def test_a_widget_takes_the_place_of_the_fragment_inside_it(
    page: Page, service: Served, paper: Newspaper, say: Callable[..., str], article: str
) -> None:
    say("for all to read")
    inside = (
        f'<engagement-footer site="demo" article="{article}">{fragment(service, article)}</engagement-footer>'
        f'<script type="module" src="{service.url}/static/engagement.js"></script>'
    )
    page.goto(paper.show(inside))
    expect(page.locator("li.comment .body")).to_have_text("for all to read")
    expect(page.locator(".engagement-body")).not_to_be_visible()


def test_the_demo_leads_to_the_discussion_where_scripts_are_off(
    page: Page, without_scripts: Callable[[], Page], article: str
) -> None:
    open_article(page, article)
    write(page, "from the widget")
    plain = without_scripts()
    plain.goto(f"/?article={article}")
    plain.get_by_role("link", name="Read and join the discussion").click()
    assert bodies(plain) == ["from the widget"]
