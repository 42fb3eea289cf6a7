"""Warns, suspends and bans readers, and lifts it: told to the reader with reasons, and written in the log.

A ban is in force from its commit on for what SQL stores, within a second for what Redis does. With its
choices taken, a job takes what was chosen meanwhile as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, insert, or_, select, update

from engagement import clock
from engagement.db.engine import Database, after_commit
from engagement.db.tables import bans, bars, choices, comments, readers
from engagement.errors import Invalid, NotFound
from engagement.moderation.log.service import ModerationLog
from engagement.moderation.readers import everywhere, taken
from engagement.moderation.statements import statements
from engagement.moderation.statements.reasons import GIVEN, REASONS
from engagement.moderation.statements.statements import BAN, SHADOW, SUSPENSION, WARNING
from engagement.readers.bars import BANNED, ERASED, NETWORK, NETWORK_ALL, SHADOWED, Bars, network_id, put_bar
from engagement.staff.members import SYSTEM, Member
from engagement.staff.roles import BAN_EVERYWHERE, RESTRICT

KINDS: Final = (WARNING, SUSPENSION, BAN, SHADOW)
"""A warning is told, and no more. A suspension has an end, a ban may have one: the reader reads, and writes
nothing.

In shadow mode all that the reader writes is shown to themself alone. The reader is not deceived about it
beyond the page: the statement of reasons is made as of every ban, stands among those that are told at
`readers/me/statements`, and can be appealed against (Digital Services Act, article 17). What is spared is the
note beside each comment.
"""
LONGEST_OF_NETWORK = timedelta(days=366)
"""Networks change hands: a ban of one has an end, at most so far away."""
GONE = "There is no such reader."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A ban as one of the staff wants it. `until` None: for good.

    `take_choices`: with the reader's votes, reactions and reports. `everywhere`: on every site, whoever comes
    with the same subject of the same issuer. `network`: also whoever writes from where the reader wrote last.
    """

    kind: str
    reason: str
    note: str | None = None
    until: datetime | None = None
    take_choices: bool = False
    everywhere: bool = False
    network: bool = False

    def check(self) -> None:
        """Raises `Invalid`, which names each field that is wrong."""
        errors: dict[str, list[str]] = {}
        now = clock.now()
        if self.kind not in KINDS:
            errors["kind"] = [f"must be one of {', '.join(KINDS)}"]
        if self.reason not in GIVEN:
            errors["reason"] = [f"must be one of {', '.join(GIVEN)}"]
        if self.until is not None and self.until <= now:
            errors["until"] = ["must be in the future"]
        elif self.until is not None and self.kind == WARNING:
            errors["until"] = ["a warning has no end"]
        elif self.until is None and (self.kind == SUSPENSION or self.network):
            errors["until"] = ["is needed: a suspension and a ban by network have an end"]
        elif self.network and self.until is not None and self.until > now + LONGEST_OF_NETWORK:
            errors["until"] = ["must be within a year for a ban by network"]
        if self.kind not in (SUSPENSION, BAN):
            names = ("take_choices", "network")
            errors |= {name: ["is for suspensions and bans"] for name in names if getattr(self, name)}
        if errors:
            raise Invalid(errors=errors)


class Bans:
    """What the staff does to readers."""

    def __init__(self, database: Database, bars: Bars, log: ModerationLog) -> None:
        self._database = database
        self._bars = bars
        self._log = log

    def ban(self, member: Member, site: str, reader_id: UUID, wanted: Wanted) -> dict[str, Any]:
        """Ban the reader; answers the ban. Raises `Forbidden`, `Invalid`, `NotFound`, `Unavailable`."""
        member.require(RESTRICT, site)
        if wanted.everywhere:
            member.require(BAN_EVERYWHERE, None)
        wanted.check()
        with self._database.write() as connection:
            same = everywhere.same_person(connection, reader_id) if wanted.everywhere else []
            reader = hold(connection, site, reader_id)
            same = [other for other in same if other.id != reader.id]
            root = clock.new_id()
            network = _network(connection, reader_id) if wanted.network else None
            _put(connection, root, reader, wanted, member.id, network=network)
            for other in same:
                _put(connection, clock.new_id(), other, wanted, member.id, of_ban=root)
            subject = {
                "ban": root, "reader": reader_id, "kind": wanted.kind, "reason": wanted.reason,
                "until": wanted.until, "takes_choices": wanted.take_choices, "network": wanted.network,
                "everywhere": wanted.everywhere, "with": [other.id for other in same],
            }  # fmt: skip
            made = connection.execute(select(bans).where(bans.c.id == root)).one()
            where = None if wanted.everywhere else site
            self._log.append(
                connection, action="reader.banned", actor=member.actor, subject=subject, site=where
            )
        self._bars.learn_now()
        return tell(made)

    def meet(self, connection: Connection, reader_id: UUID) -> None:
        """Ban the reader whom this transaction makes, if they are banned on every site.

        Nothing of theirs is there to take. The process learns it after the commit.
        """
        found = everywhere.standing(connection, reader_id)
        reader = connection.execute(select(readers).where(readers.c.id == reader_id)).one()
        for row in found:
            wanted = Wanted(row.kind, row.reason, row.note, row.until, everywhere=True)
            id = clock.new_id()
            _put(connection, id, reader, wanted, row.created_by, of_ban=row.id)
            subject = {"ban": id, "of": row.id, "reader": reader_id, "kind": row.kind, "reason": row.reason}
            self._log.append(
                connection, action="reader.banned", actor=SYSTEM, subject=subject, site=reader.site
            )
        if found:
            after_commit(connection, self._bars.learn_now)

    def lift(self, member: Member, site: str, reader_id: UUID, ban_id: UUID) -> dict[str, Any]:
        """Lift a ban; what it took comes back. Twice is once. Raises `Forbidden`, `NotFound`."""
        member.require(RESTRICT, site)
        with self._database.write() as connection:
            hold(connection, site, reader_id, erased_too=True)
            found = connection.execute(
                select(bans).where(bans.c.id == ban_id, bans.c.reader_id == reader_id)
            ).one_or_none()
            if found is None:
                raise NotFound("There is no such ban.")
            if found.site is None:
                member.require(BAN_EVERYWHERE, None)
            if lift(connection, found, member.id):
                subject = {"ban": ban_id, "reader": reader_id}
                self._log.append(
                    connection, action="reader.unbanned", actor=member.actor, subject=subject, site=site
                )
            lifted = connection.execute(select(bans).where(bans.c.id == ban_id)).one()
        self._bars.learn_now()
        return tell(lifted)


def lift(connection: Connection, ban: Row[Any], by: UUID | None) -> bool:
    """Lift a ban, and those of the same person that hang on it; False if it was before.

    The caller holds the reader, writes it into the log, and lets the process learn it after the commit.
    """
    if ban.lifted_at is not None:
        return False
    root = ban.of_ban or ban.id
    b = bans.c
    rows = connection.execute(
        select(bans).where(or_(b.id == root, b.of_ban == root), b.lifted_at.is_(None)).order_by(b.reader_id)
    ).all()
    ids = [row.id for row in rows]
    connection.execute(update(bans).where(b.id.in_(ids)).values(lifted_at=clock.now(), lifted_by=by))
    for row in rows:
        statements.withdraw_ban(connection, row.id)
        if row.network is not None:
            _bar_network(connection, row.site, row.network)
        if row.reader_id is not None:
            _bar_reader(connection, row.reader_id)
            if row.takes_choices:
                taken.give_back(connection, row.reader_id)
    return True


def tell(row: Row[Any]) -> dict[str, Any]:
    """A ban as the API shows it to the staff."""
    now = clock.now()
    return {
        "id": str(row.id),
        "kind": row.kind,
        "reason": row.reason,
        "note": row.note,
        "since": clock.rfc3339(row.since),
        "until": row.until and clock.rfc3339(row.until),
        "takes_choices": row.takes_choices,
        "everywhere": row.site is None,
        "network": row.network_key is not None,
        "created_by": row.created_by and str(row.created_by),
        "lifted_at": row.lifted_at and clock.rfc3339(row.lifted_at),
        "lifted_by": row.lifted_by and str(row.lifted_by),
        "stands": row.lifted_at is None and (row.until is None or row.until > now),
    }


def _put(
    connection: Connection, id: UUID, reader: Row[Any], wanted: Wanted, by: UUID | None, *,
    of_ban: UUID | None = None, network: str | None = None,
) -> None:  # fmt: skip
    site = None if wanted.everywhere else reader.site
    connection.execute(
        insert(bans).values(
            id=id, site=site, reader_id=reader.id, network=network, kind=wanted.kind, reason=wanted.reason,
            network_key=int(network.partition(":")[0]) if network else None, of_ban=of_ban, note=wanted.note,
            since=clock.now(), until=wanted.until, takes_choices=wanted.take_choices, created_by=by,
        )
    )  # fmt: skip
    _bar_reader(connection, reader.id)
    if network is not None:
        _bar_network(connection, site, network)
    if wanted.take_choices:
        job = taken.take(connection, reader.site, reader.id)
        connection.execute(update(bans).where(bans.c.id == id).values(job_id=job))
    statements.make(
        connection, site=reader.site, reader_id=reader.id, restriction=wanted.kind, reason=wanted.reason,
        facts=facts(wanted), ban_id=id, ends_at=wanted.until,
    )  # fmt: skip


def facts(wanted: Wanted) -> str:
    """What a statement of reasons tells of a ban. A note stays with the staff."""
    what = {
        WARNING: "A moderator has looked at what you wrote, and warns you.",
        SUSPENSION: "A moderator has looked at what you wrote. For some time you may read, and not write.",
        BAN: "A moderator has looked at what you wrote. You may read, and not write any more.",
        SHADOW: "A moderator has looked at what you wrote. What you write is shown to nobody else.",
    }[wanted.kind]
    also = " Your reactions, votes and reports don't count meanwhile." if wanted.take_choices else ""
    return f"{what}{also} {REASONS[wanted.reason].label}"


def hold(connection: Connection, site: str, reader_id: UUID, *, erased_too: bool = False) -> Row[Any]:
    """The reader's row, exclusively: what is being written for them is there, or never will be.

    Raises `NotFound`, also for who was erased, unless `erased_too`.
    """
    statement = select(readers).where(readers.c.id == reader_id, readers.c.site == site).with_for_update()
    found = connection.execute(statement).one_or_none()
    erased = select(bars.c.number).where(bars.c.reader_id == reader_id, bars.c.kind == ERASED)
    if found is None or (not erased_too and connection.scalar(erased) is not None):
        raise NotFound(GONE)
    return found


def _network(connection: Connection, reader_id: UUID) -> str:
    """The hash of the network that the reader has written or chosen from last."""
    found: list[tuple[datetime, str]] = []
    for table, at in ((comments, comments.c.created_at), (choices, choices.c.chosen_at)):
        t = table.c
        newest = (
            select(at, t.network)
            .where(t.reader_id == reader_id, t.network.contains(":"))
            .order_by(at.desc())
            .limit(1)
        )
        row = connection.execute(newest).one_or_none()
        if row is not None:
            found.append((row[0], row[1]))
    if not found:
        raise Invalid(errors={"network": ["is not known of this reader, or not any more"]})
    return max(found)[1]


def _bar_reader(connection: Connection, reader_id: UUID) -> None:
    """Set the reader's bars by the bans that stand: the one that ends last is the one that is told."""
    standing = connection.execute(taken.standing(reader_id)).all()
    site = connection.scalar(select(readers.c.site).where(readers.c.id == reader_id)) or ""
    for kind, kinds in ((BANNED, (SUSPENSION, BAN)), (SHADOWED, (SHADOW,))):
        _bar(connection, reader_id, site, kind, [row for row in standing if row.kind in kinds])


def _bar_network(connection: Connection, site: str | None, network: str) -> None:
    b = bans.c
    of_site = b.site.is_(None) if site is None else b.site == site
    standing = connection.execute(
        select(bans).where(b.network == network, of_site, b.lifted_at.is_(None), b.until > clock.now())
    ).all()
    first = site or connection.scalar(select(readers.c.site).limit(1)) or ""
    kind = NETWORK_ALL if site is None else NETWORK
    _bar(connection, network_id(site, network), first, kind, standing, network)


def _bar(
    connection: Connection, id: UUID, site: str, kind: str, standing: Any, network: str | None = None
) -> None:
    was = connection.scalar(select(bars.c.number).where(bars.c.reader_id == id, bars.c.kind == kind))
    if not standing and was is None:
        return
    far = datetime.max.replace(tzinfo=clock.now().tzinfo)
    last = max(standing, key=lambda row: row.until or far, default=None)
    until = last.until if last is not None else clock.now()
    reason = last.reason if last is not None else None
    put_bar(connection, id, site, kind, until, reason=reason, network=network)
