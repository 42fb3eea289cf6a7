"""What the API tells in the end, beside what SQL holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any
from uuid import UUID

from tests.chaos.clients import VALUES, Reader
from tests.chaos.line import Address, Answer, Line
from tests.chaos.load import Load
from tests.chaos.stored import Stored
from tests.waiting import until


class Window:
    """Where a reader looks through."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._line = Line(addresses, Random(0))

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Any:
        """A whole answer: each process finds out for itself, in a second or two, that a store is up."""
        answers: list[Answer] = []

        def is_whole() -> bool:
            answers[:] = [self._line.call("GET", f"/v1/demo{path}", None, headers)]
            return answers[0].status in (401, 404) or (answers[0].status == 200 and not answers[0].degraded)

        until(is_whole)
        assert answers[0].status == 200, f"{path}: {answers[0]}"
        return answers[0].body

    def close(self) -> None:
        self._line.close()

    def tally(self, article: str) -> dict[str, int]:
        """Zeros left out."""
        moods = self.get(f"/articles/{article}/reactions")["moods"]
        return {mood["key"]: mood["count"] for mood in moods if mood["count"]}

    def threads(self, article: str) -> Iterator[str]:
        """Every one, page by page."""
        cursor = ""
        while True:
            page = self.get(f"/articles/{article}/comments?sort=oldest&limit=50{cursor}")
            yield from (comment["id"] for comment in page["items"])
            if page["next_cursor"] is None:
                return
            cursor = f"&cursor={page['next_cursor']}"


def unlike(load: Load, stored: Stored, addresses: Sequence[Address]) -> Iterator[str]:
    """Tallies, counts, threads and readers' own choices that are told otherwise than SQL holds them."""
    window = Window(addresses)
    try:
        for article in load.articles:
            yield from _of_article(window, stored, article)
        readers = {reader.id: reader for reader in load.people}
        touched: defaultdict[tuple[str, UUID], list[str]] = defaultdict(list)
        for (article, comment), reader in load.histories:
            if reader in readers and (not comment or comment in stored.comments):
                touched[article, reader] += [comment] if comment else []
        for (article, reader), comments in touched.items():
            for start in range(0, max(1, len(comments)), 100):
                yield from _of_reader(window, stored, article, readers[reader], comments[start : start + 100])
    finally:
        window.close()


def _of_article(window: Window, stored: Stored, article: str) -> Iterator[str]:
    tally = window.tally(article)
    if tally != stored.counted((article, "")):
        yield f"{article}: the tally is {tally}, the choices are {stored.counted((article, ''))}"
    own = {id: comment for id, comment in stored.comments.items() if comment.article == article}
    counts = window.get(f"/counts?article={article}")["articles"][article]
    told, there = (counts["comments"], counts["reactions"]), (len(own), sum(tally.values()))
    if told != there:
        yield f"{article}: {told} comments and reactions are told, there are {there}"
    walked = list(window.threads(article))
    roots = [id for id, comment in own.items() if comment.parent is None]
    if sorted(walked) != sorted(roots):
        different = len(set(walked))
        yield f"{article}: a walk finds {len(walked)} threads, {different} different; SQL has {len(roots)}"


def _of_reader(
    window: Window, stored: Stored, article: str, reader: Reader, comments: list[str]
) -> Iterator[str]:
    query = "&".join(f"comment={id}" for id in comments)
    told = window.get(f"/articles/{article}/me?{query}", reader.headers)
    mood = stored.choices.get((article, ""), {}).get(reader.id)
    if told["mood"] != mood:
        yield f"me of {reader.id} on {article}: {told['mood']}, SQL has {mood}"
    for id in comments:
        vote = VALUES[stored.choices.get((article, id), {}).get(reader.id, "")]
        if told["votes"][id] != vote:
            yield f"me of {reader.id} on comment {id}: {told['votes'][id]}, SQL has {vote}"
