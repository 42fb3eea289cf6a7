"""Conversations that are there before a page is opened: written through the API, by readers of their own."""

import json
from contextlib import closing
from typing import Any
from uuid import UUID

import requests
from playwright.sync_api import Page
from sqlalchemy import update

from engagement.db.engine import Database
from engagement.db.tables import comments
from engagement.embedded.folder import paths_for
from tests.servers import Served


def is_counted(service: Served, article: str, many: int) -> bool:
    """Does the article count so many comments by now? What opens then shows them."""
    answer = requests.get(f"{service.url}/v1/demo/counts", params={"article": article}, timeout=10)
    return bool(answer.json()["articles"][article]["comments"] == many)


class Writer:
    """A reader without a browser, on one article."""

    def __init__(self, service: Served, article: str, name: str) -> None:
        self._service = service
        self._comments = f"{service.url}/v1/demo/articles/{article}/comments"
        answer = requests.post(f"{service.url}/v1/demo/readers", json={"name": name}, timeout=10)
        self._session = {"token": answer.json()["token"], "name": name, "asked": True}
        self._headers = {"Authorization": f"Bearer {self._session['token']}"}

    @property
    def headers(self) -> dict[str, str]:
        """What tells who this is."""
        return self._headers

    def sits_at(self, page: Page) -> None:
        """Let this reader be the one who opens pages there."""
        key, session = f"engagement:reader:{self._service.url}:demo", json.dumps(self._session)
        page.add_init_script(f"localStorage.setItem({json.dumps(key)}, {json.dumps(session)})")

    def post(self, body: str, parent: str | None = None) -> str:
        """Write a comment; answers its id."""
        sent = {"body": body, "parent_id": parent}
        answer = requests.post(self._comments, json=sent, headers=self._headers, timeout=10)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def edit(self, comment: str, body: str, revision: int = 1) -> None:
        """Change what a comment says."""
        headers = self._headers | {"If-Match": f'"{revision}"'}
        answer = requests.patch(
            f"{self._comments}/{comment}", json={"body": body}, headers=headers, timeout=10
        )
        assert answer.status_code == 200, answer.text

    def delete(self, comment: str) -> None:
        """Take a comment back."""
        answer = requests.delete(f"{self._comments}/{comment}", headers=self._headers, timeout=10)
        assert answer.status_code == 204, answer.text

    def vote(self, comment: str, value: int) -> None:
        """Vote on a comment."""
        sent = {"value": value}
        url = f"{self._comments}/{comment}/vote"
        assert requests.put(url, json=sent, headers=self._headers, timeout=10).status_code == 200


def hold(service: Served, comment: str) -> None:
    """Let a comment wait for a moderator, as one from a form without scripts does."""
    change(service, comment, status="pending", held_for="plain_form", shown=False)


def change(service: Served, comment: str, **values: Any) -> None:
    """Change the row of a comment behind the service's back."""
    database = Database(f"sqlite:///{paths_for(service.data).database}")
    with closing(database), database.write() as connection:
        changed = connection.execute(update(comments).where(comments.c.id == UUID(comment)).values(**values))
        assert changed.rowcount == 1
