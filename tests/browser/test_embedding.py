"""The widget on a publisher's page: its attributes, its colours, and what a wrong set-up leads to."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import ConsoleMessage, Page, Request, Route, expect

from tests.browser.footer import EMPTY, mood, open_article, refuse, standing, tally, write
from tests.browser.window import Watch

Embed = Callable[[str], str]
COLOURS = """(node) => {
    let paper = "rgba(0, 0, 0, 0)";
    for (let at = node; at && paper === "rgba(0, 0, 0, 0)"; at = at.parentElement ?? at.getRootNode().host) {
        paper = getComputedStyle(at).backgroundColor;
    }
    return [getComputedStyle(node).color, paper === "rgba(0, 0, 0, 0)" ? "rgb(255, 255, 255)" : paper];
}"""


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours such as `rgb(1, 2, 3)`, 1 to 21; WCAG 2.2, "contrast ratio"."""

    def luminance(colour: str) -> float:
        parts = (int(part) / 255 for part in re.findall(r"\d+", colour)[:3])
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def console_of(page: Page) -> list[tuple[str, str]]:
    """What the widget says in the console from now on, as (type, text)."""
    said: list[tuple[str, str]] = []

    def hear(message: ConsoleMessage) -> None:
        if message.text.startswith("Engagement:"):
            said.append((message.type, message.text))

    page.on("console", hear)
    return said


def test_the_widget_stands_on_another_origin(page: Page, embed: Embed, article: str) -> None:
    page.goto(embed(f'site="demo" article="{article}"'))
    standing(page)
    expect(page.get_by_text(EMPTY, exact=True)).to_be_visible()


def test_the_footer_follows_its_attributes(page: Page, article: str) -> None:
    open_article(page, article)
    write(page, "Only on the first article.")
    page.evaluate("document.querySelector('engagement-footer').setAttribute('article', 'another/one?ü')")
    expect(page.get_by_text(EMPTY, exact=True)).to_be_visible()
    page.evaluate(f"document.querySelector('engagement-footer').setAttribute('article', '{article}')")
    expect(page.locator("li.comment")).to_have_count(1)


@pytest.mark.parametrize(
    "theme", ["", 'theme="light"', 'theme="no such"'], ids=["default", "light", "unknown"]
)
def test_on_a_white_page_the_text_is_dark_though_the_system_is_dark(
    page: Page, embed: Embed, article: str, theme: str
) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(embed(f'site="demo" article="{article}" {theme}'))
    standing(page)
    for selector in (
        "h2#feel",
        ".mood .label",
        ".composer .title",
        ".hint",
        ".identity label",
        "textarea",
        ".primary",
    ):
        colours = page.locator(selector).first.evaluate(COLOURS)
        assert contrast(*colours) >= 4.5, selector


@pytest.mark.parametrize(
    ("theme", "system", "is_dark"),
    [("auto", "light", False), ("auto", "dark", True), ("dark", "light", True), ("light", "dark", False)],
)
def test_a_page_may_ask_for_a_theme(
    page: Page, embed: Embed, article: str, theme: str, system: str, is_dark: bool
) -> None:
    page.emulate_media(color_scheme="dark" if system == "dark" else "light")
    page.goto(embed(f'site="demo" article="{article}" theme="{theme}"'))
    standing(page)
    ink, paper = page.locator(".mood .label").first.evaluate(COLOURS)
    assert contrast(ink, paper) >= 4.5
    assert (contrast(paper, "rgb(0, 0, 0)") < contrast(paper, "rgb(255, 255, 255)")) is is_dark


def test_the_demo_follows_the_system(page: Page, article: str) -> None:
    page.emulate_media(color_scheme="dark")
    open_article(page, article)
    assert contrast(*page.locator("h2#feel").evaluate(COLOURS)) >= 4.5


def test_the_signature_goes_with_a_reaction_and_a_comment(page: Page, article: str) -> None:
    sent: dict[str, str | None] = {}

    def note(request: Request) -> None:
        if "/v1/" in request.url:
            sent[f"{request.method} {request.url.rpartition('/')[2]}"] = request.header_value(
                "Article-Signature"
            )

    open_article(page, article)
    page.evaluate("document.querySelector('engagement-footer').setAttribute('signature', 'c2lnbmVk')")
    standing(page)
    page.on("request", note)
    mood(page, "Happy").click()
    expect(page.get_by_role("status")).to_have_text("You chose Happy.")
    write(page, "Signed.")
    assert sent["PUT reaction"] == sent["POST comments"] == "c2lnbmVk"
    assert sent["POST readers"] is None


@pytest.mark.parametrize("sort", ["constructor", "toString", ""])
def test_an_unknown_order_is_the_newest_first(page: Page, embed: Embed, article: str, sort: str) -> None:
    with page.expect_request("**/footer?*") as asked:
        page.goto(embed(f'site="demo" article="{article}" sort="{sort}"'))
    assert asked.value.url.endswith("sort=newest")
    standing(page)
    assert page.locator("#sort").input_value() == "newest"


def test_a_page_of_a_wrong_origin_takes_the_choice_back_and_says_why(
    page: Page, embed: Embed, article: str, watch: Watch
) -> None:
    watch.allow("403")
    watch.allow("Engagement:")
    said = console_of(page)
    writes: list[str] = []
    page.goto(embed(f'site="demo" article="{article}"'))
    standing(page)
    page.on("response", lambda answer: writes.append(answer.url) if answer.request.method == "POST" else None)
    mood(page, "Happy").click()
    note = page.locator(".feel .note")
    expect(note).to_have_text("This page is not set up for reactions and comments.")
    expect(mood(page, "Happy")).to_have_attribute("aria-pressed", "false")
    assert set(tally(page).values()) == {0}
    mood(page, "Sad").click()
    expect(mood(page, "Sad")).to_have_attribute("aria-pressed", "false")
    expect(note).to_be_visible()
    page.get_by_label("Add a comment").fill("Is this on?")
    page.get_by_role("button", name="Post comment").click()
    expect(page.locator(".composer .note")).to_have_text(
        "This page is not set up for reactions and comments."
    )
    expect(page.get_by_label("Add a comment")).to_have_value("Is this on?")
    assert len(writes) == 3
    origin = page.evaluate("location.origin")
    ((kind, text),) = said
    assert kind == "error"
    assert f"engagement site add demo --origin {origin}" in text


def test_a_reader_who_is_refused_is_told_why_and_the_publisher_is_not(
    page: Page, article: str, watch: Watch
) -> None:
    watch.allow("403")
    said = console_of(page)
    refused = "This reader may not react or vote."
    refuse(page, "**/reaction", 403, {"type": "urn:engagement:problem:forbidden", "detail": refused})
    open_article(page, article)
    mood(page, "Happy").click()
    expect(page.locator(".feel .note")).to_have_text(refused)
    assert said == []


def test_an_article_that_nobody_has_put_is_told_to_the_publisher(
    page: Page, article: str, watch: Watch
) -> None:
    watch.allow("Engagement:")
    said = console_of(page)

    def unknown(route: Route) -> None:
        response = route.fetch()
        footer = response.json()
        footer["article"] |= {"comments_open": False, "reactions_open": False, "title": None}
        route.fulfill(response=response, json=footer)

    page.route("**/footer?*", unknown)
    open_article(page, article)
    expect(page.get_by_text("Comments on this article are closed.")).to_be_visible()
    page.evaluate("document.querySelector('engagement-footer').setAttribute('sort', 'oldest')")
    expect(page.locator("#sort")).to_have_value("oldest")
    ((kind, text),) = said
    assert kind == "warning"
    assert f"engagement article put demo '{article}'" in text
    assert "--articles open" in text
