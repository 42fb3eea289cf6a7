"""A reader is erased while the service runs; others see where they were, in plain words."""

import subprocess
import sys
from collections.abc import Callable

import requests
from playwright.sync_api import Page, expect

from tests.browser.footer import comment, mood, open_article, write
from tests.browser.window import Watch
from tests.browser.writers import Writer
from tests.servers import Served


def test_an_answered_comment_of_an_erased_reader_says_that_it_was_removed(
    new_reader: Callable[[], Page], service: Served, article: str, watch: Watch
) -> None:
    ida, other = new_reader(), new_reader()
    open_article(ida, article)
    write(ida, "Words that Ida regrets.", name="Ida")
    mood(ida, "Happy").click()
    expect(mood(ida, "Happy")).to_contain_text("1")
    comments = f"{service.url}/v1/demo/articles/{article}/comments"
    (posted,) = requests.get(comments, timeout=10).json()["items"]
    Writer(service, article, "Ben").post("An answer.", posted["id"])
    erase = ["reader", "erase", posted["author"]["id"], "--yes", "--data", str(service.data)]
    erased = subprocess.run(
        [sys.executable, "-m", "engagement", *erase],
        capture_output=True,
        text=True,
        check=False,
    )
    assert erased.returncode == 0, erased.stderr
    open_article(other, article)
    expect(comment(other, "An answer.")).to_be_visible()
    expect(other.get_by_role("heading", name="1 comment")).to_be_visible()
    expect(other.get_by_role("article", name="This comment was removed.")).to_be_visible()
    expect(other.get_by_text("Ida")).to_have_count(0)
    expect(mood(other, "Happy")).not_to_contain_text("1")
    watch.allow("401")  # the token that Ida's page still has
    ida.reload()
    expect(comment(ida, "removed")).to_be_visible()
    mood(ida, "Sad").click()
    expect(mood(ida, "Sad")).to_contain_text("1")  # as somebody new
