"""A house with rules: making one, writing under it, and what became of that."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

RULES = "/v1/demo/admin/rules"
A = "/v1/demo/articles/story"
Headers = dict[str, str]


def rule(kind: str, settings: dict[str, Any], action: str = "hold", **more: Any) -> dict[str, Any]:
    return {"name": f"Of {kind}", "kind": kind, "action": action, "settings": settings, **more}


def make(client: FlaskClient, admin: Headers, *args: Any, **more: Any) -> Any:
    answer = client.post(RULES, json=rule(*args, **more), headers=admin)
    assert answer.status_code == 201, answer.text
    return answer.json


def post(client: FlaskClient, reader: Headers, text: str, article: str = A) -> Any:
    answer = client.post(f"{article}/comments", json={"body": text}, headers=reader)
    assert answer.status_code == 201, answer.text
    return answer.json


def held(posted: Any) -> tuple[str, str | None]:
    return posted["status"], posted.get("held_for")


def shown(client: FlaskClient) -> list[str]:
    return [item["id"] for item in client.get(f"{A}/comments").json["items"]]  # type: ignore[index]
