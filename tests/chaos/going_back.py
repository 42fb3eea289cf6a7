"""A store goes back in time under load: a restored backup, a replica that lagged when it was promoted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import requests

from tests.chaos.clients import READER_OF_ALL, WRITER
from tests.chaos.history import Lossy, Window
from tests.chaos.load import Load
from tests.chaos.stored import Stored, losses
from tests.chaos.summary import Summary
from tests.chaos.world import HARMLESS, World
from tests.servers import RedisNode
from tests.servers.ports import HeldPort
from tests.waiting import until

DEAD = "engagement_dead_letters_total"
HEALS = "engagement_heals_total"
OFF = "engagement_views_off_total"
REWINDS = "engagement_sql_rewinds_total"
MENDED = "what could be was mended"
"""What a worker says when it has dropped the views of what SQL has lost."""


def restored_backup(
    folder: Path, *, seed: int, before: float, after: float, keep: float = 60, clients: int = 32
) -> Summary:
    """PostgreSQL is restored from a backup that was taken `before` seconds ago; `after` it, more writes.

    `keep`: seconds for which the ledger keeps what is flushed; of choices no more is lost than is older.
    """
    name = f"backup of {before:.0f} s ago, ledger of {keep:.0f} s"
    world = World(folder, name, seed, webs=1, workers=1, LEDGER_KEEP=str(keep))
    with world.up():
        postgres = world.postgres
        assert postgres is not None
        load = world.load(lossy=True, does=(WRITER,) * clients)
        with load.running(), world.lag_watched():
            world.spend(2)
            begun = world.flushed_until()
            backup = postgres.base_backup()
            world.log("the backup is taken")
            world.spend(before)
            ended = world.now()
            world.log("postgres is killed and restored")
            postgres.restore(backup)
            world.log("postgres is up")
            back = world.now()
            rebuilt = _rebuilt(world, load)
            mended = _mended(world)
            world.spend(after)
        choices = [(begun, ended - keep)] if ended - keep > begun else []
        lossy = Lossy(choices, [(begun, back)], [(begun, mended)] if choices else [])
        return _judged(world, load, lossy, rebuilt, within=keep + 20)


def promoted_postgres(
    folder: Path, *, seed: int, lag: float, after: float, keep: float = 60, clients: int = 32
) -> Summary:
    """The primary is killed, and a replica that lags by `lag` seconds is promoted: the URL names both."""
    world = World(
        folder, f"postgres replica that lags {lag:.0f} s", seed, webs=1, workers=1, LEDGER_KEEP=str(keep)
    )
    primary = world.postgres
    assert primary is not None
    replica = primary.replica(folder / "replica")
    try:
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in (primary, replica))
        user, _, _ = primary.url.partition("@")
        with world.up(f"{user}@{hosts}/engagement"):
            load = world.load(lossy=True, does=(WRITER,) * clients)
            with load.running(), world.lag_watched():
                world.spend(2)
                begun = world.flushed_until()
                replica.stop_following()
                world.log("the replica lags")
                world.spend(lag)
                primary.kill()
                world.log("the primary is killed")
                replica.promote()
                world.log("the replica is promoted")
                back = world.now()
                rebuilt = _rebuilt(world, load)
                _mended(world)
                world.spend(after)
            world.sql_url = replica.url
            return _judged(world, load, Lossy([], [(begun, back)]), rebuilt, within=keep + 20)
    finally:
        replica.stop()


def promoted_redis(folder: Path, *, seed: int, lag: float, after: float, clients: int = 32) -> Summary:
    """Redis is killed, and a replica that lags by `lag` seconds takes its place."""
    world = World(folder, f"redis replica that lags {lag:.0f} s", seed, webs=1, workers=1)
    primary = world.redis
    replica = RedisNode(folder / "replica")
    nowhere = HeldPort()
    try:
        with world.up():
            load = world.load(forgetful=True, does=(READER_OF_ALL,) * clients)
            with load.running(), world.lag_watched():
                client = replica.client()
                client.replicaof("127.0.0.1", primary.port)
                until(lambda: client.info("replication")["master_link_status"] == "up")
                world.spend(2)
                begun = world.flushed_until()
                client.replicaof("127.0.0.1", nowhere.number)
                world.log("the replica lags")
                world.spend(lag)
                primary.kill()
                world.log("the primary is killed")
                replica.take_over(primary)
                world.log("the replica has taken over")
                back = world.now()
                client.close()
                rebuilt = _rebuilt(world, load)
                world.spend(after)
            return _judged(world, load, Lossy([(begun, back)]), rebuilt)
    finally:
        replica.stop()
        nowhere.release()


def _rebuilt(world: World, load: Load) -> float:
    """Seconds until every article's tally comes from its view again."""
    began = time.monotonic()
    left = set(load.articles)
    with requests.Session() as session:

        def all_told() -> bool:
            for article in list(left):
                url = f"{world.fleet.webs[0].url}/v1/demo/articles/{article}/reactions"
                answer = session.get(url, timeout=30)
                if answer.status_code == 200 and "Engagement-Degraded" not in answer.headers:
                    left.discard(article)
            return not left

        until(all_told, within=30)
    seconds = time.monotonic() - began
    world.log(f"every view is there again after {seconds:.2f} s")
    return seconds


def _mended(world: World) -> float:
    """When a worker had noticed that SQL went back, and mended what could be."""
    until(lambda: world.fleet.said(MENDED))
    world.log("a worker has mended what could be")
    return world.now()


def _judged(world: World, load: Load, lossy: Lossy, rebuilt: float, within: float = 20) -> Summary:
    """Nothing acknowledged outside of the windows is lost; the loss is said."""
    allowed = {DEAD} if lossy.comments else set()
    if lossy.comments and lossy.choices:
        allowed |= {HEALS, OFF}
    nought = [metric for metric in HARMLESS if metric not in allowed]
    stored = world.judge(load, lossy=lossy, nought=nought, within=within)
    summary = world.summary(load, stored)
    summary.notes.append(losses(load, stored).line())
    summary.notes.append(
        f"choices in danger: {_told(lossy.choices)}; comments in danger: {_told(lossy.comments)}"
    )
    summary.notes.append(f"every view was there again {rebuilt:.2f} s after the store")
    summary.notes.append(
        ", ".join(f"{name} {world.fleet.metric(name):.0f}" for name in (REWINDS, HEALS, OFF, DEAD))
    )
    _lost_comments_take_no_votes(world, load, stored)
    return summary


def _told(windows: Sequence[Window]) -> str:
    return ", ".join(f"{start:.2f} to {end:.2f} s" for start, end in windows) or "none"


def _lost_comments_take_no_votes(world: World, load: Load, stored: Stored) -> None:
    """Or they would be answered, and kept as dead letters for ever."""
    lost = [(post, id) for post in load.posts for id in post.ids if id not in stored.comments]
    for post, id in lost[:20]:
        url = f"{world.fleet.webs[0].url}/v1/demo/articles/{post.article}/comments/{id}/vote"
        answer = requests.put(url, json={"value": 1}, headers=dict(load.people[0].headers), timeout=30)
        assert answer.status_code == 404, f"a vote on a comment that SQL lost: {answer.status_code}"
