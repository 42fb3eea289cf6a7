"""The machine is worth something only if it finds a protocol that is broken."""

from __future__ import annotations

import pytest

from tests.integration.ledger.breaks import MORE, SEVEN, Break, broken
from tests.integration.ledger.machine import Ledger, finds

pytestmark = pytest.mark.sqlite_only("a rule that is missing is missing on every store")


@pytest.mark.parametrize("what", SEVEN + MORE, ids=lambda what: what.what)
def test_the_machine_finds_that(what: Break, world: type[Ledger]) -> None:
    world.redis_goes_back, world.sql_goes_back = what.redis, what.sql
    with broken(what):
        assert finds(world)


def test_a_rule_that_has_moved_breaks_its_break() -> None:
    (cut,) = SEVEN[2].cuts
    moved = Break("moved", (type(cut)(cut.where, "no such rule"),))
    with pytest.raises(AssertionError, match="no such rule"), broken(moved):
        pass
