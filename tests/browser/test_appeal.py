"""An appeal from its beginning to its end: its author in the widget, two moderators in the console."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable

import jsonschema
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.desk import card, faults, press, queue, said, shown, sign_in
from tests.browser.footer import comment, fits, open_article, reload_until, write
from tests.browser.test_console_pages import NARROW
from tests.browser.window import Watch
from tests.contract.transparency import EXPORT
from tests.servers import Served
from tests.waiting import until

WORDS = "You fool, said the frost."
APPEAL = "It is a quote from the article."
ANSWER = "You are right, and we are sorry."


@pytest.mark.parametrize("viewport", [NARROW], indirect=True, ids=["360"])
def test_an_appeal_from_end_to_end(
    page: Page, new_reader: Callable[[], Page], service: Served, article: str, watch: Watch
) -> None:
    watch.allow("Applying inline style")  # by axe
    author, name = page, f"Anna {article[-6:]}"
    open_article(author, article)
    write(author, WORDS, name)
    first = sign_in(new_reader(), service, "--name", "Who rejects")
    until(lambda: _waits(first, article))
    press(first, ["j", "r", "2"])
    said(first, "Rejected: Attack or insult.")
    until(lambda: shown(service, article) == [])

    told = _appeals(author, article)
    first.goto("/moderate/demo/appeals")
    own = _about(first, name)
    expect(own).to_contain_text("You have restricted this: somebody else decides on the appeal.")
    expect(own.get_by_role("button")).to_have_count(0)
    second = sign_in(new_reader(), service, "--name", "Who decides")
    second.goto("/moderate/demo/appeals")
    _grants(second, name)

    reload_until(author, lambda: expect(comment(author, WORDS)).to_be_visible(timeout=2_000))
    expect(told.get_by_text("A decision about what you wrote was taken back.")).to_be_visible()
    expect(told.get_by_text("Your appeal was granted.")).to_be_visible()
    expect(told.get_by_text(ANSWER)).to_be_visible()
    assert faults(author) == []
    until(lambda: len(shown(service, article)) == 1)
    _is_logged(second, service, name)
    _is_exported(second, article)


def _waits(page: Page, article: str) -> bool:
    queue(page, article)
    return card(page, WORDS).count() == 1


def _about(page: Page, name: str) -> Locator:
    return page.locator("article").filter(has_text=name)


def _appeals(author: Page, article: str) -> Locator:
    """The author reads why, and appeals; answers where that is told."""
    open_article(author, article)
    expect(comment(author, WORDS)).to_have_count(0)
    told = author.get_by_role("region", name="About what you wrote")
    for text in (
        "A comment of yours was removed.",
        "A moderator has read the comment; it was refused. It attacks or insults somebody.",
        "The rule: The rules of this conversation: no attacks on others",
        "You can also turn to a certified out-of-court dispute settlement body, or to a court.",
    ):
        expect(told.get_by_text(text)).to_be_visible()
    told.get_by_role("button", name="Appeal").press("Enter")
    box = told.get_by_label("Why should we look at it again?")
    expect(box).to_be_focused()
    assert faults(author) == []
    assert fits(author)
    told.get_by_role("button", name="Send the appeal").click()
    expect(told.get_by_text("Write something first.")).to_be_visible()
    box.fill(APPEAL)
    told.get_by_role("button", name="Send the appeal").press("Enter")
    expect(told.get_by_text("You have appealed.")).to_be_visible()
    status = author.get_by_role("status")
    expect(status).to_have_text("Your appeal was sent. Somebody else will look at it.")
    return told


def _grants(second: Page, name: str) -> None:
    own = _about(second, name)
    expect(own).to_contain_text(APPEAL)
    expect(own).to_contain_text("Who rejects")
    own.get_by_label("Your answer").fill(ANSWER)
    assert faults(second) == []
    own.get_by_role("button", name="Grant").click()
    said(second, "The appeal is granted")


def _is_logged(second: Page, service: Served, name: str) -> None:
    """Each step, by whom; and the log is whole."""
    second.goto("/moderate/demo/appeals?state=granted")
    link = _about(second, name).get_by_role("link", name="Read it").get_attribute("href")
    assert link is not None
    id = link.rpartition("/")[2]
    second.goto("/moderate/demo/log")
    about = second.locator("tbody tr").filter(has_text=id)
    cells = [row.locator("td").all_inner_texts() for row in about.all()]
    assert [(who, what) for _, _, who, what, _ in cells] == [
        ("Who decides", "Appeal granted"), ("A reader", "Appeal made"), ("Who rejects", "Reject"),
    ]  # fmt: skip
    verify = [sys.executable, "-m", "engagement", "log", "verify", "--data", str(service.data)]
    found = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
    assert found.stdout.startswith("The log is as it was written: ")


def _is_exported(second: Page, article: str) -> None:
    """As the console offers the files: with the decision, and as the EU's database takes it."""
    second.goto("/moderate/demo/appeals")
    files = {
        form: second.request.get(str(second.get_by_role("link", name=form).get_attribute("href")))
        for form in ("CSV", "JSON")
    }
    (row,) = [row for row in csv.DictReader(io.StringIO(files["CSV"].text())) if row["article"] == article]
    assert (row["restriction"], row["reason"], row["appeal"]) == ("removal", "abuse", "granted")
    assert row["decision_id"]
    assert row["withdrawn_at"]
    stated = json.loads(files["JSON"].text())
    jsonschema.validate(stated, EXPORT)
    (one,) = [each for each in stated["statements"] if each["puid"] == row["id"]]
    assert one["decision_visibility"] == ["DECISION_VISIBILITY_CONTENT_REMOVED"]
    assert one["decision_facts"].startswith("A moderator has read the comment; it was refused.")
