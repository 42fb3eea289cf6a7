"""Issuers of a site, and the address at which a publisher shows keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from engagement.db.engine import Database
from engagement.settings import Settings
from tests.contract.sign_on.publisher import ALGORITHMS, ASKED, ISSUERS_PATH, Add, keys, told
from tests.servers.web import Told, WebServer
from tests.staffing import headers_of


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, fetch_inside=("127.0.0.1",))


@pytest.fixture
def add(client: FlaskClient, database: Database) -> Add:
    """Adds an issuer; with an algorithm of one's own, its secret is not that of HS256."""

    def add(site: str = "demo", **given: object) -> str:
        asked: dict[str, object] = {**ASKED, **given}
        if asked["algorithm"] != ASKED["algorithm"] and "secret" not in given:
            del asked["secret"]
        path = ISSUERS_PATH.replace("demo", site)
        answer = client.post(path, json=asked, headers=headers_of(database, site))
        assert answer.status_code == 201, answer.text
        return str(told(answer)["id"])

    return add


@pytest.fixture
def published() -> Iterator[WebServer]:
    """The publisher's address with the public key of each algorithm."""
    shown = json.dumps({"keys": [keys(name).as_dict(private=False) for name in ALGORITHMS]}).encode()
    server = WebServer(lambda _: Told(shown))
    yield server
    server.stop()
