"""The log of moderation: append-only, each entry sealed with the one before; ids and digests, no texts.

An entry's MAC is an HMAC-SHA256 over all that it says and the MAC before it. Whoever has the database but
not the secret key can cut the tail off and no more; so the head goes to the log stream, and to a file.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import NoResultFound

from engagement import clock
from engagement.db import bulk
from engagement.db.engine import after_commit
from engagement.db.tables import meta, moderation_log
from engagement.staff.members import Actor

log = structlog.get_logger()
HEAD = "moderation_log_head"
"""The row of `meta` with the number and MAC of the last entry; who appends holds it until the commit."""
NOTHING = "0" * 64
"""The MAC before the first entry."""
PAGE = 1_000
"""Entries that are read at once."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry, as it is told to the world: `17:9f86…`."""

    number: int = 0
    mac: str = NOTHING

    def __str__(self) -> str:
        return f"{self.number}:{self.mac}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """Raises `ValueError` for what is none."""
        number, _, mac = text.strip().partition(":")
        if not (number.isdecimal() and len(mac) == len(NOTHING) and set(mac) <= set("0123456789abcdef")):
            raise ValueError("is not a head such as 17:9f86d081…")
        return cls(int(number), mac)


class ModerationLog:
    """Appends entries, and finds those that are not as they were written."""

    def __init__(self, secret_key: str, heads: str = "") -> None:
        """`heads`: a file that the head after each transaction is appended to; empty: none."""
        self._key = hmac.digest(secret_key.encode(), b"engagement moderation log", "sha256")
        self._heads = heads

    def append(
        self,
        connection: Connection,
        *,
        action: str,
        actor: Actor,
        subject: Mapping[str, Any],
        site: str | None,
    ) -> int:
        """Write an entry, as the last thing that the caller's transaction does; answers its number.

        `subject`: ids, digests, codes; no text of anybody. `site` None: of no one site.
        """
        return self.append_all(connection, [(action, subject)], actor=actor, site=site)

    def append_all(
        self,
        connection: Connection,
        done: Sequence[tuple[str, Mapping[str, Any]]],
        *,
        actor: Actor,
        site: str | None,
    ) -> int:
        """As `append`, an entry for each action and its subject, in order; answers the last one's number."""
        head, now = _hold_head(connection), clock.now()
        entries = []
        for action, subject in done:
            entry = {
                "number": head.number + 1, "at": now, "site": site, "actor_kind": actor.kind,
                "actor_id": actor.id, "action": action, "subject": orjson.loads(_canonical(subject)),
                "previous": head.mac,
            }  # fmt: skip
            head = Head(head.number + 1, self._mac(entry))
            entries.append(entry | {"mac": head.mac})
        if entries:
            connection.execute(insert(moderation_log), entries)
            connection.execute(update(meta).where(meta.c.key == HEAD).values(value=str(head)))
            after_commit(connection, lambda: self._tell(head))
        return head.number

    def verify(self, connection: Connection, heads: Sequence[Head] = ()) -> Iterator[str]:
        """A line for each fault, in the order of entries: changed, missing, out of order, cut.

        `heads`: what was told to the world; each must be there still.
        """
        told = {head.number: head for head in heads}
        last = Head()
        for row in _entries(connection):
            if row.number > last.number + 1:
                yield _missing(last.number + 1, row.number - 1)
            elif row.previous != last.mac:
                yield f"entry {row.number} does not follow the one before it"
            mac = self._mac(row._asdict())
            if not hmac.compare_digest(mac, row.mac):
                yield f"entry {row.number} is not as it was written"
            head = told.pop(row.number, None)
            if head is not None and head.mac != row.mac:
                yield f"entry {row.number} is not the one whose head was told: {head}"
            last = Head(row.number, row.mac)
        newest = max([head_of(connection).number, *told])
        if newest > last.number:
            yield f"{_missing(last.number + 1, newest)}: the end was cut off"
        for number in sorted(told):
            if number <= last.number:
                yield f"entry {number}, whose head was told, is missing"

    def told(self) -> list[Head]:
        """The heads in the file, if a setting names one. Raises `OSError`, `ValueError`."""
        if not self._heads:
            return []
        with open(self._heads, encoding="ascii") as file:
            return [Head.parse(line.split()[-1]) for line in file if line.strip()]

    def _mac(self, entry: Mapping[str, Any]) -> str:
        at: datetime = entry["at"]
        said = [
            entry["number"], at.astimezone(UTC).isoformat(timespec="microseconds"), entry["site"],
            entry["actor_kind"], entry["actor_id"], entry["action"], entry["subject"], entry["previous"],
        ]  # fmt: skip
        return hmac.digest(self._key, _canonical(said), "sha256").hex()

    def _tell(self, head: Head) -> None:
        log.info("moderation log head", number=head.number, mac=head.mac)
        if self._heads:
            try:
                with open(self._heads, "a", encoding="ascii") as file:  # one small write: whole, or not there
                    file.write(f"{clock.rfc3339(clock.now())} {head}\n")
            except OSError as error:
                log.error("the moderation log's head can't be written to its file", error=error.strerror)


def head_of(connection: Connection) -> Head:
    """The last entry, by what is written down beside the log."""
    value = connection.scalar(select(meta.c.value).where(meta.c.key == HEAD))
    return Head.parse(value) if value else Head()


def _hold_head(connection: Connection) -> Head:
    """The last entry; until the transaction ends nobody else appends one."""
    statement = select(meta.c.value).where(meta.c.key == HEAD).with_for_update()
    try:
        value = connection.scalars(statement).one()
    except NoResultFound:  # the first entry of all
        bulk.put(connection, meta, ("key", "value"), [(HEAD, str(Head()))])
        value = connection.scalars(statement).one()
    return Head.parse(value)


def _entries(connection: Connection) -> Iterator[Row[Any]]:
    number = moderation_log.c.number
    statement = select(moderation_log).order_by(number).limit(PAGE)
    after = None
    while True:
        page = connection.execute(statement if after is None else statement.where(number > after)).all()
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].number


def _missing(first: int, last: int) -> str:
    return f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"


def _canonical(said: Any) -> bytes:
    """The one way to write it down: keys sorted, ids as text."""
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
