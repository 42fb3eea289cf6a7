"""How far comments are rendered and ranked as this release does it: written in `meta` by the workers."""

from __future__ import annotations

import orjson
from sqlalchemy import Connection, select

from engagement.comments.ranking import RANKING_VERSION
from engagement.comments.rendering import RENDERER_VERSION
from engagement.db.tables import meta

KEY = "refreshed"
VERSION = f"{RENDERER_VERSION}.{RANKING_VERSION}"
DONE = "done"
Place = tuple[str, str] | None
"""The article and the comment up to which a walk has come, in hex; None: it begins."""


def told(connection: Connection) -> str | None:
    """What stands there."""
    found: str | None = connection.scalar(select(meta.c.value).where(meta.c.key == KEY))
    return found


def place_of_walk(text: str | None, version: str) -> Place | str:
    """Where the walk to this version is, or `DONE`."""
    if not text:
        return None
    of, place = orjson.loads(text)
    if of != version:
        return None
    return place if isinstance(place, str) else (place[0], place[1])


def tell(place: Place | str, version: str) -> str:
    """To be written there."""
    return orjson.dumps([version, place]).decode()


def is_done(connection: Connection) -> bool:
    """Are all comments as this release makes them?"""
    return place_of_walk(told(connection), VERSION) == DONE
