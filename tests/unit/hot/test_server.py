"""What an error of the driver tells about a server, and what a command is on the wire."""

from __future__ import annotations

import pytest
import redis
from redis import exceptions

from engagement.breaker import Verdict
from engagement.hot import commands
from engagement.hot.keys import MOOD, Ballot
from engagement.hot.server import judge

STORY = Ballot("demo", "story", MOOD)
SCRIPT_OF_6_2 = "Error running script (call to f_0): @user_script:4: @user_script: 4: "


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (redis.TimeoutError(), Verdict.HUNG),
        (redis.ConnectionError(), Verdict.DOWN),
        (exceptions.BusyLoadingError(), Verdict.DOWN),
        (exceptions.ReadOnlyError(), Verdict.DOWN),
        (redis.ResponseError(f"{SCRIPT_OF_6_2}-READONLY You can't write against it."), Verdict.DOWN),
        (redis.ResponseError("wrong number of arguments"), Verdict.ANSWERED),
        (exceptions.OutOfMemoryError(), Verdict.ANSWERED),
        (exceptions.MovedError("1 h:1"), Verdict.ANSWERED),
        (exceptions.ClusterDownError("CLUSTERDOWN"), Verdict.ANSWERED),
        (exceptions.MaxConnectionsError(), Verdict.NOTHING),
        (ValueError(), Verdict.NOTHING),
    ],
)  # fmt: skip
def test_an_error_is_the_servers_the_commands_or_ours(error: Exception, verdict: Verdict) -> None:
    assert judge(error) is verdict


def test_a_script_is_called_by_its_name_or_with_its_source() -> None:
    command = commands.tally(STORY)
    assert command.script is not None
    name, sha, number, *rest = command.words
    assert (name, sha, number) == ("EVALSHA", command.script.sha, 7)
    assert command.with_source == ("EVAL", command.script.source, number, *rest)


def test_a_command_names_a_key_that_tells_its_slot() -> None:
    for command in (
        commands.tally(STORY),
        commands.entries(STORY, "0-0", 1),
        commands.floor(STORY),
        commands.forget_view(STORY),
        commands.held(STORY.shard),
        commands.postpone(STORY.shard, [STORY.name], 0),
        commands.recount(STORY.shard, [STORY.name]),
        *commands.read_parts("demo", "story", ["a"]),
    ):
        assert command.key.startswith("{s31}:")
