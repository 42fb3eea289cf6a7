"""The footer as a reader handles it: what the browser tests say and look for."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, Route, expect

EMPTY = "There are no comments yet. Add your comment to start the conversation."
ACTIVE = "document.activeElement?.shadowRoot?.activeElement"


def open_article(page: Page, article: str) -> None:
    """Open the demo page for `article` and wait until the footer stands."""
    page.goto(f"/?article={article}")
    standing(page)


def standing(page: Page) -> None:
    expect(page.get_by_role("heading", name="How does this make you feel?")).to_be_visible()


def mood(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name="How does this make you feel?").get_by_role(
        "button", name=re.compile(name)
    )


def tally(page: Page) -> dict[str, int]:
    """Count per mood key, as shown."""
    buttons = page.locator("button.mood").all()
    return {
        str(each.get_attribute("data-mood")): int(each.locator(".count").inner_text() or 0)
        for each in buttons
    }


def write(page: Page, text: str, name: str | None = None) -> Locator:
    """Post a comment and return it once it stands."""
    composer = page.locator(".talk > form.composer")
    composer.get_by_label("Add a comment").fill(text)
    if name is not None:
        composer.get_by_label("Your name").fill(name)
    before = page.locator("li.comment").count()
    composer.get_by_role("button", name="Post comment").click()
    expect(page.locator("li.comment")).to_have_count(before + 1)
    return page.locator("li.comment").first


def comment(page: Page, text: str) -> Locator:
    """The comment with `text` in its own body."""
    return page.locator("li.comment").filter(has=page.locator(f"xpath=./article//*[contains(., {text!r})]"))


def bodies(page: Page) -> Locator:
    """The bodies of the comments that are not replies."""
    return page.locator("ol.comments > li.comment > article .body")


def text_of(comment: Locator) -> Locator:
    """What one comment says, without what is below it."""
    return comment.locator("> article > div > .body")


def own(comment: Locator, name: str) -> Locator:
    """A button that its author alone has on a comment, or on what is opened by one."""
    return comment.locator("> article").get_by_role("button", name=name, exact=True)


def agree(comment: Locator) -> Locator:
    return comment.locator("> article").get_by_role("button", name=re.compile("^Agree"))


def disagree(comment: Locator) -> Locator:
    return comment.locator("> article").get_by_role("button", name=re.compile("^Disagree"))


def cast(page: Page, button: Locator) -> None:
    """Press a vote button and wait until the service has answered: the page shows the vote before that."""
    with page.expect_response(lambda response: response.url.endswith("/vote")) as answer:
        button.click()
    assert answer.value.status == 200


def reload_until(page: Page, check: Callable[[], None], tries: int = 10) -> None:
    """Reload until `check` holds: what is shown to all may be about a second behind."""
    for _ in range(tries):
        page.reload()
        try:
            check()
        except AssertionError:
            continue
        return
    raise AssertionError(f"still not so after {tries} reloads")


def tab_to(page: Page, selector: str, limit: int = 80) -> None:
    """Press Tab until the focus, inside the footer, is on `selector`."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if page.evaluate(f"(selector) => {ACTIVE}?.matches(selector) ?? false", selector):
            return
    raise AssertionError(f"{selector} cannot be reached with Tab")


def refuse(page: Page, path: str, status: int, problem: dict[str, object], **headers: str) -> list[str]:
    """Answer each write to `path` with this problem; gives the methods of the writes, as they come."""
    writes: list[str] = []

    def answer(route: Route) -> None:
        if route.request.method == "GET":
            route.continue_()
            return
        writes.append(route.request.method)
        sent = {"Content-Type": "application/problem+json", "Access-Control-Allow-Origin": "*"}
        route.fulfill(status=status, headers=sent | headers, json=problem)

    page.route(path, answer)
    return writes


def in_pages_of(page: Page, limit: int) -> None:
    """Ask for so many comments at once."""
    lists = re.compile(r"/(footer|comments|replies)\?")
    page.route(lists, lambda route: route.continue_(url=f"{route.request.url}&limit={limit}"))


def fits(page: Page) -> bool:
    """Whether the page needs no sideways scrolling."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))
