"""A newsroom, and two who moderate there."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from engagement.db.engine import Database
from tests.moderating import Newsroom
from tests.staffing import headers_of


@pytest.fixture
def room(client: FlaskClient, database: Database) -> Newsroom:
    return Newsroom(client, database, headers_of(database, "demo", "moderator"))


@pytest.fixture
def other(database: Database) -> dict[str, str]:
    return headers_of(database, "demo", "admin")
