"""What a reader writes never runs and never breaks the page."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.footer import fits, open_article, write
from tests.browser.window import DESKTOP, PHONE

HOSTILE = {
    "script": "<script>window.hacked = 1</script> after",
    "image": '<img src="x" onerror="window.hacked = 1"> after',
    "link": "[click me](javascript:window.hacked=1) and [me](data:text/html,<script>hacked=1</script>)",
    "autolink": "<javascript:window.hacked=1> and javascript:window.hacked=1",
    "attribute": '<a href="#" onclick="window.hacked=1" style="position:fixed;inset:0">all of it</a>',
    "svg": "<svg onload=window.hacked=1><style>*{display:none}</style></svg> after",
    "unbroken": "x" * 5000,
    "unbroken link": "https://example.org/" + "a" * 2000,
    "code": "```\n" + "y" * 1000 + "\n```",
    "zalgo": "z" + "\u0301\u0316\u0334\u0489" * 200 + "algo",
    "right to left": "\u202egnp.exe \u2066and\u2069 after",
    "quotes": "\n".join(">" * depth + " deep" for depth in range(1, 60)),
}


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], indirect=True, ids=["phone", "desktop"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_neither_runs_nor_breaks_the_layout(page: Page, article: str, text: str) -> None:
    open_article(page, article)
    body = write(page, text).locator(".body").first
    assert page.evaluate("window.hacked") is None
    assert body.locator("script, img, svg, style, iframe, [style], [onclick], [onerror]").count() == 0
    for link in body.locator("a").all():
        assert str(link.get_attribute("href")).startswith(("http://", "https://", "mailto:"))
        link.click(trial=True)
    assert fits(page)
    box, frame = body.bounding_box(), page.locator("engagement-footer").bounding_box()
    assert box is not None
    assert frame is not None
    assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1


def test_a_hostile_name_is_only_text(page: Page, article: str) -> None:
    open_article(page, article)
    name = '<img src=x onerror="window.hacked=1">'
    expect(write(page, "Who am I?", name=name).locator(".author")).to_contain_text("<img src=x")
    assert page.evaluate("window.hacked") is None
