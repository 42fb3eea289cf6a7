"""One client: a thread with readers of its own, who remember all that they were answered."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from tests.chaos.history import UNKNOWN, UNSENT, Attempt, History, Place, Post
from tests.chaos.line import Answer, Line

if TYPE_CHECKING:
    from tests.chaos.load import Load

MOODS = ("happy", "sad", "angry", "dont_care", "inspired", "afraid", "amused", "annoyed")
CHOICES = (*MOODS, "")
VALUES = {"up": 1, "down": -1, "": 0}
READER_OF_ALL: Mapping[str, int] = {
    "react": 50, "vote": 20, "post": 6, "reply": 8, "look": 6, "page": 6, "wrong": 4,
}  # fmt: skip
"""How often a client does what, of 100 times."""
WRITER: Mapping[str, int] = {what: n for what, n in READER_OF_ALL.items() if what != "wrong"}
"""What a client does where a store may lose what it was refused for."""
GIVE_UP = 0.25
"""How probable it is that a client leaves a write of which it doesn't know whether it happened."""
LOST = frozenset({401, 404, 422})
"""What a client may be told of a reader, a comment and a parent that a store has lost."""


@dataclass(frozen=True, slots=True)
class Reader:
    id: UUID
    headers: Mapping[str, str]


class Client(threading.Thread):
    """One thread with its readers."""

    def __init__(self, number: int, load: Load, does: Mapping[str, int]) -> None:
        super().__init__(name=f"client {number}", daemon=True)
        self.load = load
        self.random = Random(f"{load.seed}:{number}")
        self.line = Line(load.addresses, self.random)
        self.readers: list[Reader] = []
        self.ready = threading.Event()
        self.histories: dict[tuple[Place, UUID], History] = {}
        self.posts: list[Post] = []
        self.answers: Counter[str] = Counter()
        self.longest = (0.0, "")
        self._number = number
        self._does, self._weights = list(does), list(does.values())

    def run(self) -> None:
        try:
            while len(self.readers) < self.load.readers and not self.load.over.is_set():
                self._mint()
            self.ready.set()
            while not self.load.over.is_set():
                (what,) = self.random.choices(self._does, self._weights)
                getattr(self, f"_{what}")()
                self._rest()
        except Exception as error:  # noqa: BLE001 - told at the end, with the seed
            self.load.faults.append(f"{self.name} stopped: {error!r}")
        finally:
            self.ready.set()
            self.line.close()

    # --- writes ----------------------------------------------------------------------------------------

    def _react(self) -> None:
        reader, article = self._anyone(), self.random.choice(self.load.articles)
        mood = self.random.choice(CHOICES)
        path = f"/v1/demo/articles/{article}/reaction"
        history = self._history((article, ""), reader)

        def send() -> Answer:
            if mood:
                return self._call("PUT", path, {"mood": mood}, reader.headers)
            return self._call("DELETE", path, None, reader.headers)

        answer = self._insist(send, history.attempts, mood)
        if answer.status == 200 and mood and not _counted(answer.body["reactions"], mood):
            self._fault("a tally without the mood just set", answer, history)

    def _vote(self) -> None:
        found = self._any_comment()
        if found is None:
            return self._react() if "react" in self._does else None
        reader, (article, comment) = self._anyone(), found
        choice = self.random.choice(tuple(VALUES))
        path = f"/v1/demo/articles/{article}/comments/{comment}/vote"
        history = self._history((article, comment), reader)
        answer = self._insist(
            lambda: self._call("PUT", path, {"value": VALUES[choice]}, reader.headers),
            history.attempts, choice,
        )  # fmt: skip
        if answer.status == 200 and choice and answer.body["votes"][choice] < 1:
            self._fault("votes without the one just cast", answer, history)
        if answer.status == 404:
            self._forget(article, comment)
        return None

    def _post(self) -> None:
        self._comment(self.random.choice(self.load.articles), None)

    def _reply(self) -> None:
        found = self._any_comment()
        if found is None:
            return self._post()
        return self._comment(*found)

    def _comment(self, article: str, parent: str | None) -> None:
        reader = self._anyone()
        key = f"{self.load.seed}-{self._number}-{len(self.posts)}"
        post = Post(article, parent, reader.id, key, f"comment {key}")
        self.posts.append(post)
        body = {"body": post.body, "parent_id": parent} if parent else {"body": post.body}
        headers = {**reader.headers, "Idempotency-Key": key}
        path = f"/v1/demo/articles/{article}/comments"
        answer = self._insist(lambda: self._call("POST", path, body, headers), post.attempts, "comment")
        if answer.status == 201:
            post.ids.add(answer.body["id"])
            self.load.comments[article].append(answer.body["id"])
        elif answer.status == 422 and parent:
            self._forget(article, parent)
        elif answer.status == 401:
            self.readers.remove(reader)
            while len(self.readers) < self.load.readers and not self.load.over.is_set():
                self._mint()

    def _insist(self, send: Callable[[], Answer], attempts: list[Attempt], choice: str) -> Answer:
        """Send the same until it is answered; sometimes give it up, as readers do."""
        while True:
            began = self.load.now()
            answer = send()
            if answer.status != UNSENT:
                attempts.append(Attempt(began, self.load.now(), choice, answer.status))
            self.answers[_outcome(answer.status)] += 1
            if answer.status not in (UNSENT, UNKNOWN, 503):
                if answer.status not in (200, 201) and not (self.load.lossy and answer.status in LOST):
                    self.load.faults.append(f"{send} was answered {answer}")
                return answer
            undecided = answer.status != UNSENT
            if self.load.over.is_set() or (undecided and self.random.random() < GIVE_UP):
                return answer
            self.load.over.wait(0.05 + 0.1 * self.random.random())

    def _wrong(self) -> None:
        """What is refused changes nothing."""
        reader, article = self._anyone(), self.random.choice(self.load.articles)
        above = f"/v1/demo/articles/{article}"
        wrongs: list[tuple[str, str, Any, Mapping[str, str], int]] = [
            ("PUT", f"{above}/reaction", {"mood": "furious"}, reader.headers, 422),
            ("PUT", f"{above}/reaction", {"mood": "happy"}, {}, 401),
            ("PUT", f"{above}/comments/{uuid4()}/vote", {"value": 1}, reader.headers, 404),
            ("POST", f"{above}/comments", {"body": "wrong", "parent_id": str(uuid4())}, reader.headers, 422),
        ]
        if mine := [post for post in self.posts if post.acknowledged and post.reader == reader.id]:
            before = self.random.choice(mine)
            again = {**reader.headers, "Idempotency-Key": before.key}
            wrongs.append(
                ("POST", f"/v1/demo/articles/{before.article}/comments", {"body": "wrong"}, again, 422)
            )
        method, path, body, headers, status = self.random.choice(wrongs)
        answer = self._call(method, path, body, headers)
        self.answers[_outcome(answer.status)] += 1
        if answer.status not in (UNSENT, UNKNOWN, 503, status):
            self.load.faults.append(f"{method} {path} {body} was answered {answer}, not {status}")

    # --- reads -----------------------------------------------------------------------------------------

    def _look(self) -> None:
        """One's own choice is what one was last told."""
        reader, article = self._anyone(), self.random.choice(self.load.articles)
        answer = self._call("GET", f"/v1/demo/articles/{article}/me", None, reader.headers)
        if not self._was_read(answer):
            return
        history = self.histories.get(((article, ""), reader.id))
        possible = history.possible() if history else {""}
        if (answer.body["mood"] or "") not in possible:
            self._fault("not one's own last mood", answer, history)

    def _page(self) -> None:
        """As a page that somebody opens."""
        article = self.random.choice(self.load.articles)
        for path in (f"/v1/demo/articles/{article}/footer", f"/v1/demo/counts?article={article}"):
            self._was_read(self._call("GET", path))

    def _was_read(self, answer: Answer) -> bool:
        self.answers["read" if answer.status == 200 else f"read: {answer.status}"] += 1
        if answer.status not in (UNSENT, UNKNOWN, 200, 503) and not (
            self.load.lossy and answer.status in LOST
        ):
            self.load.faults.append(f"a read was answered {answer}")
        return answer.status == 200

    # --- the rest --------------------------------------------------------------------------------------

    def _mint(self) -> None:
        answer = self._call("POST", "/v1/demo/readers", {})
        if answer.status == 201:
            token = {"Authorization": f"Bearer {answer.body['token']}"}
            self.readers.append(Reader(UUID(answer.body["reader"]["id"]), token))
        else:
            self._rest()

    def _call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        answer = self.line.call(method, path, body, headers)
        if answer.seconds > self.longest[0]:
            said = f"{method} {path} ended at {self.load.now():.1f} s with {answer.status}"
            self.longest = (answer.seconds, said)
        return answer

    def _rest(self) -> None:
        self.load.over.wait(self.load.pause * self.random.random())

    def _anyone(self) -> Reader:
        return self.random.choice(self.readers)

    def _any_comment(self) -> tuple[str, str] | None:
        article = self.random.choice(self.load.articles)
        known = self.load.comments[article]
        return (article, self.random.choice(known)) if known else None

    def _forget(self, article: str, comment: str) -> None:
        """A comment that a store has lost."""
        if comment in self.load.comments[article]:
            self.load.comments[article].remove(comment)

    def _history(self, place: Place, reader: Reader) -> History:
        return self.histories.setdefault((place, reader.id), History(place, reader.id))

    def _fault(self, what: str, answer: Answer, history: History | None) -> None:
        if self.load.lossy or self.load.forgetful:  # and a view may be off for a moment by what is lost
            return
        self.load.faults.append(f"{what}: {answer}\n{history.told() if history else ''}")


def _counted(tally: Any, mood: str) -> bool:
    return any(found["key"] == mood and found["count"] > 0 for found in tally["moods"])


def _outcome(status: int) -> str:
    if status in (200, 201):
        return "acknowledged"
    return {UNSENT: "unsent", UNKNOWN: "unknown", 503: "unavailable"}.get(status, "refused")
