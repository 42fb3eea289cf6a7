"""Bans on every site: of the same subject of the same issuer, where they are known and where they come to."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from engagement import clock
from engagement.app import create_app
from engagement.db.engine import Database
from engagement.db.tables import bans, bars, moderation_log
from engagement.moderation import restrictions
from engagement.readers.bars import OVERLAP
from engagement.settings import Settings
from tests.contract.sign_on.publisher import Add, by_secret, told
from tests.staffing import headers_of

Headers = dict[str, str]
SITES = ("demo", "known")


@pytest.fixture
def owner(database: Database, add: Add) -> Headers:
    """Of two sites that the same issuer vouches for."""
    for site in SITES:
        add(site=site)
    return headers_of(database, role="owner")


def id_of(client: FlaskClient, site: str, **claims: Any) -> str:
    """Of the reader with these claims, who is made if they were not there."""
    return str(told(client.get(f"/v1/{site}/readers/me", headers=by_secret(**claims)))["id"])


def ban(client: FlaskClient, owner: Headers, id: str, **wanted: Any) -> dict[str, Any]:
    body = {"kind": "ban", "reason": "abuse", "everywhere": True} | wanted
    answer = client.post(f"/v1/demo/admin/readers/{id}/bans", json=body, headers=owner)
    assert answer.status_code == 201, answer.text
    return told(answer)


def lift(client: FlaskClient, owner: Headers, site: str, id: str, made: str) -> None:
    answer = client.delete(f"/v1/{site}/admin/readers/{id}/bans/{made}", headers=owner)
    assert answer.status_code == 200, answer.text


def may_write(client: FlaskClient, site: str, **claims: Any) -> bool:
    """A comment on an article that is not there: who is banned is told that first."""
    where = f"/v1/{site}/articles/nowhere/comments/{clock.new_id()}/vote"
    answer = client.put(where, json={"value": 1}, headers=by_secret(**claims))
    assert answer.status_code in (403, 404), answer.text
    return answer.status_code == 404


def bans_of(client: FlaskClient, owner: Headers, site: str, id: str) -> list[dict[str, Any]]:
    found = told(client.get(f"/v1/{site}/admin/readers/{id}", headers=owner))["bans"]
    return list(found)


@pytest.mark.parametrize("known", [True, False], ids=["known there", "comes there later"])
def test_who_is_banned_on_every_site_writes_on_none_until_it_is_lifted(
    client: FlaskClient, owner: Headers, known: bool
) -> None:
    here = id_of(client, "demo")
    if known:
        id_of(client, "known")
    made = ban(client, owner, here, note="for the staff alone")
    there = id_of(client, "known")
    assert [may_write(client, site) for site in SITES] == [False, False]
    (other,) = bans_of(client, owner, "known", there)
    assert (other["everywhere"], other["reason"], other["stands"]) == (True, "abuse", True)
    statements = client.get("/v1/known/readers/me/statements", headers=by_secret())
    (statement,) = told(statements)["items"]
    assert (statement["restriction"], statement["reason"]) == ("ban", "abuse")
    assert "staff alone" not in statements.text
    lift(client, owner, "demo", here, made["id"])
    assert [may_write(client, site) for site in SITES] == [True, True]
    assert not bans_of(client, owner, "known", there)[0]["stands"]


def test_it_is_lifted_where_they_came_later_for_every_site(client: FlaskClient, owner: Headers) -> None:
    here = id_of(client, "demo")
    ban(client, owner, here)
    there = id_of(client, "known")
    lift(client, owner, "known", there, bans_of(client, owner, "known", there)[0]["id"])
    assert [may_write(client, site) for site in SITES] == [True, True]


def test_what_does_not_reach_who_comes_later(client: FlaskClient, owner: Headers, database: Database) -> None:
    """A ban of one site, a warning, one that was lifted, one that is over; and nothing another person."""
    soon = clock.rfc3339(clock.now() + timedelta(days=1))
    all: list[dict[str, Any]] = [{"everywhere": False}, {"kind": "warning"}, {}, {"until": soon}]
    for n, wanted in enumerate(all):
        person = f"reader-{n}"
        id = id_of(client, "demo", sub=person)
        made = ban(client, owner, id, **wanted)
        if n == 2:
            lift(client, owner, "demo", id, made["id"])
        elif n == 3:
            with database.write() as connection:
                over = update(bans).where(bans.c.id == UUID(made["id"])).values(until=clock.now())
                connection.execute(over)
        there = id_of(client, "known", sub=person)
        assert may_write(client, "known", sub=person)
        assert bans_of(client, owner, "known", there) == []
    ban(client, owner, id_of(client, "demo", sub="banned"))
    id_of(client, "known", sub="another")
    assert may_write(client, "known", sub="another")


def test_several_bans_meet_who_comes_later_each_once(
    client: FlaskClient, owner: Headers, database: Database
) -> None:
    here = id_of(client, "demo")
    made = [ban(client, owner, here), ban(client, owner, here, kind="shadow", reason="spam")]
    there = id_of(client, "known")
    assert sorted(one["reason"] for one in bans_of(client, owner, "known", there)) == ["abuse", "spam"]
    with database.read() as connection:
        logged = connection.execute(select(moderation_log).where(moderation_log.c.actor_kind == "system"))
        found = [(row.action, row.subject["of"], row.subject["reader"]) for row in logged]
    assert sorted(found) == sorted(("reader.banned", one["id"], there) for one in made)
    lift(client, owner, "demo", here, made[0]["id"])
    assert may_write(client, "known")


def test_who_comes_at_the_very_moment_of_the_ban_is_banned(
    client: FlaskClient, owner: Headers, settings: Settings
) -> None:
    apps = [create_app(settings).test_client() for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        for n in range(8):
            person = f"quick-{n}"
            id = id_of(client, "demo", sub=person)
            together = Barrier(2)

            def at_once(
                what: Callable[[FlaskClient], object], app: FlaskClient, together: Barrier = together
            ) -> None:
                together.wait(60)
                what(app)

            def banning(app: FlaskClient, id: str = id) -> object:
                return ban(app, owner, id)

            def coming(app: FlaskClient, person: str = person) -> object:
                return id_of(app, "known", sub=person)

            for done in [pool.submit(at_once, *each) for each in zip((banning, coming), apps, strict=True)]:
                done.result()
            there = id_of(client, "known", sub=person)
            assert [one["reason"] for one in bans_of(client, owner, "known", there)] == ["abuse"]


def test_networks_are_forgotten_when_their_bans_are_over_and_every_process_knows_it(
    database: Database,
) -> None:
    now = clock.now()
    ends = {
        "1:over": now - OVERLAP - timedelta(seconds=1),
        "1:lately": now - timedelta(seconds=1),
        "1:stands": now + timedelta(days=1),
    }
    with database.write() as connection:
        for network, until in ends.items():
            given = {"network": network, "until": until, "kind": "ban", "reason": "abuse", "network_key": 1}
            connection.execute(
                bans.insert().values(id=clock.new_id(), since=now, takes_choices=False, **given)
            )
            bar = {"reader_id": clock.new_id(), "site": "demo", "kind": "network", "since": now}
            connection.execute(bars.insert().values(until=until, network=network, **bar))
        lifted = clock.new_id()
        given = {"network": "1:lifted", "until": now + timedelta(days=1), "kind": "ban", "reason": "abuse"}
        connection.execute(
            bans.insert().values(
                id=lifted, since=now, takes_choices=False, lifted_at=now - 2 * OVERLAP, **given
            )
        )
        restrictions.forget_networks(connection)
    with database.read() as connection:
        left = set(connection.scalars(select(bans.c.network).where(bans.c.network.is_not(None))))
        barred = set(connection.scalars(select(bars.c.network).where(bars.c.network.is_not(None))))
    assert left == barred == {"1:lately", "1:stands"}
