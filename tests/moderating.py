"""Comments, and moderators who decide on them, over the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from engagement import clock
from engagement.comments import emptying
from engagement.db.engine import Database
from engagement.db.tables import comments
from engagement.moderation.decisions.statuses import set_status

ARTICLE = "/v1/demo/articles/a1"
Headers = Mapping[str, str]


class Newsroom:
    """An article of the site `demo`, readers who write on it, and one who moderates."""

    def __init__(self, client: FlaskClient, database: Database, staff: Headers) -> None:
        self.client = client
        self.database = database
        self.staff = staff

    def post(
        self, reader: Headers, parent: str | None = None, text: str | None = None, to: str = ARTICLE
    ) -> str:
        """A new comment; answers its id. Each says something new."""
        body = {"body": text or f"I say {clock.new_id()}", "parent_id": parent}
        answer = self.client.post(f"{to}/comments", headers=dict(reader), json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json["id"])  # type: ignore[index]

    def hold(self, comment: str, reason: str = "reports") -> None:
        """As the system holds what many report."""
        self.set_status(comment, "pending", reason)

    def set_status(self, comment: str, status: str, reason: str | None) -> None:
        """As moderation's own parts do it."""
        with self.database.write() as connection:
            article = connection.scalar(
                select(comments.c.article_id).where(
                    comments.c.id == UUID(comment), comments.c.status != "moved"
                )
            )
            assert article is not None
            (row,) = emptying.lock(connection, article, [UUID(comment)])
            set_status(connection, row, status, reason)

    def decide(
        self, comment: str, action: str, revision: int = 1, by: Headers | None = None, **more: Any
    ) -> TestResponse:
        """A decision; a rejection is for `abuse` unless said otherwise."""
        body: dict[str, Any] = {"action": action, "revision": revision, **more}
        if action == "reject":
            body.setdefault("reason", "abuse")
        url = f"/v1/demo/admin/comments/{comment}/decision"
        return self.client.post(url, headers=dict(by or self.staff), json=body)

    def decided(self, comment: str, action: str, revision: int = 1, **more: Any) -> str:
        """The id of a decision that was made."""
        answer = self.decide(comment, action, revision, **more)
        assert answer.status_code == 200, answer.text
        return str(answer.json["decision"])  # type: ignore[index]

    def undo(self, decision: str) -> TestResponse:
        """Undo a decision."""
        return self.client.post(f"/v1/demo/admin/decisions/{decision}/undo", headers=dict(self.staff))

    def seen(self, comment: str, at: str = ARTICLE) -> Any:
        """The comment as all see it; None if it is not there."""
        answer = self.client.get(f"{at}/comments/{comment}")
        return answer.json["comment"] if answer.status_code == 200 else None  # type: ignore[index]

    def case(self, comment: str) -> Any:
        """The comment as moderators see it."""
        answer = self.client.get(f"/v1/demo/admin/comments/{comment}", headers=dict(self.staff))
        assert answer.status_code == 200, answer.text
        return answer.json

    def queue(self, name: str, **asked: Any) -> Any:
        """A page of a queue."""
        answer = self.client.get(
            "/v1/demo/admin/queue", headers=dict(self.staff), query_string={"queue": name, **asked}
        )
        assert answer.status_code == 200, answer.text
        return answer.json

    def queued(self, name: str, **asked: Any) -> list[str]:
        """The ids of a page of a queue."""
        return [item["id"] for item in self.queue(name, **asked)["items"]]
