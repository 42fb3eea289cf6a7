"""The rules of the ledger, played in random order on the product's own code and real servers.

Readers choose and post, slowly and twice; two workers flush, late and over each other; any process ends at
any of its steps; views are evicted whole and in halves; Redis is killed, fails over and goes back, and so
does SQL. Every tally told on the way is right, and in the end SQL and every view say what was accepted.
`LEDGER_TIMES=50` plays fifty times as many examples.
"""

from __future__ import annotations

from uuid import UUID

import pytest

from engagement.errors import NotFound
from engagement.hot.keys import MOOD, VOTE, Ballot
from engagement.hot.protocol import choosing
from tests.integration.ledger.machine import TIMES, Ledger, play
from tests.integration.ledger.world import ONE, READERS, SITE
from tests.servers import RedisServer

pytestmark = [pytest.mark.every_redis, pytest.mark.timeout(900 * TIMES)]


def examples(world: type[Ledger], usual: int) -> int:
    """The most on the Redis that `serve` starts, with both SQL stores."""
    return usual if isinstance(world.server, RedisServer) else usual // 3


def test_what_is_accepted_is_counted_once_whatever_is_killed_evicted_or_late(world: type[Ledger]) -> None:
    play(world, examples(world, 12))


def test_a_redis_that_goes_back_takes_only_what_sql_had_not_got(world: type[Ledger]) -> None:
    world.redis_goes_back = True
    play(world, examples(world, 9))


def test_an_sql_that_goes_back_takes_only_what_redis_has_trimmed(world: type[Ledger]) -> None:
    world.sql_goes_back = True
    play(world, examples(world, 7))


def test_stores_that_both_go_back_agree_again(world: type[Ledger]) -> None:
    world.redis_goes_back = world.sql_goes_back = True
    play(world, examples(world, 7))


@pytest.mark.parametrize("ballot", [Ballot(SITE, "nope", MOOD), Ballot(SITE, ONE, VOTE, str(UUID(int=5)))])
def test_a_ballot_of_an_unknown_article_or_comment_is_not_found(world: type[Ledger], ballot: Ballot) -> None:
    stage = world()
    with pytest.raises(NotFound):
        stage.hot.play(choosing(ballot, READERS[0].bytes, "happy", "net"))
    stage.teardown()
