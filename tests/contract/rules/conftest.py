"""Who writes rules, and who writes under them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engagement.db.engine import Database
from tests.contract.rules.house import Headers
from tests.staffing import headers_of


@pytest.fixture
def admin(database: Database) -> Headers:
    return headers_of(database, "demo", "admin")


@pytest.fixture
def ann(new_reader: Callable[..., Headers]) -> Headers:
    return new_reader(name="Ann")


@pytest.fixture
def ben(new_reader: Callable[..., Headers]) -> Headers:
    return new_reader(name="Ben")
