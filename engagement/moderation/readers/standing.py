"""How far a reader is trusted: by what a moderator said, and by how often their reports were right."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, select, update

from engagement.db import bulk
from engagement.db.tables import reader_standing

NEW, USUAL, TRUSTED = "new", "usual", "trusted"
TRUSTS: Final = (NEW, USUAL, TRUSTED)
"""`new`: as somebody who has just come, for as long as it stands; `trusted`: held as new by no policy."""


def trust_of(connection: Connection, reader_id: UUID) -> str:
    """One of `TRUSTS`; a reader whom nobody has judged is `usual`."""
    found = select(reader_standing.c.trust).where(reader_standing.c.reader_id == reader_id)
    return connection.scalar(found) or USUAL


def trust(connection: Connection, site: str, reader_id: UUID, trust: str) -> None:
    """Set it, one of `TRUSTS`."""
    row = {**_fresh(site, reader_id), "trust": trust}
    bulk.put(connection, reader_standing, tuple(row), [tuple(row.values())], replace=("trust",))


def weight_of(connection: Connection, reader_id: UUID) -> float:
    """What a report of this reader weighs, 0 to 2: twice the share of their reports that were right.

    Laplace's rule of succession, (right + 1) / (all + 2): who never reported anything weighs 1.
    """
    r = reader_standing.c
    found = select(r.reports_right, r.reports_wrong).where(r.reader_id == reader_id)
    right, wrong = connection.execute(found).one_or_none() or (0, 0)
    return 2.0 * (right + 1) / (right + wrong + 2)


def reported(connection: Connection, site: str, reader_id: UUID, *, right: int = 0, wrong: int = 0) -> None:
    """Count reports that turned out right or wrong; a negative number takes them back."""
    r, row = reader_standing.c, _fresh(site, reader_id)
    bulk.put(connection, reader_standing, tuple(row), [tuple(row.values())])
    connection.execute(
        update(reader_standing)
        .where(r.reader_id == reader_id)
        .values(reports_right=r.reports_right + right, reports_wrong=r.reports_wrong + wrong)
    )


def _fresh(site: str, reader_id: UUID) -> dict[str, Any]:
    return {
        "reader_id": reader_id, "site": site, "trust": USUAL, "approved": 0,
        "reports_right": 0, "reports_wrong": 0,
    }  # fmt: skip
