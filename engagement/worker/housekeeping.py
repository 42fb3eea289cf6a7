"""What is kept for a while only: idempotency keys, network hashes and their keys, bars that are over.

And what is made up for bit by bit: the cases of old comments.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta

import structlog
from sqlalchemy import delete

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import idempotency_keys, text_digests
from engagement.errors import RedisUnavailable, Unavailable
from engagement.hot import bars
from engagement.hot.connection import Hot
from engagement.moderation import restrictions
from engagement.moderation.rules.lately import KEPT
from engagement.readers.network_keys import current_key, forget_keys
from engagement.settings import Settings
from engagement.worker.backfill import Backfill
from engagement.worker.networks import Networks

log = structlog.get_logger()
IDEMPOTENCY = timedelta(days=1)
"""How long the same comment may be sent again with its key."""
TIDY = 600.0
"""Seconds between two rounds."""
LOOK, PACE = 60.0, 0.2
"""Seconds between two looks whether old network hashes are to go, and between two steps while they do."""


class Housekeeping:
    """Some of it in each round of the worker. Any number of workers may do it at once."""

    def __init__(self, database: Database, hot: Hot, settings: Settings) -> None:
        self._database = database
        self._hot = hot
        self._settings = settings
        self._networks = Networks(database, settings.network_keep_days)
        self._backfill = Backfill(database)
        self._tidy_at = self._look_at = self._fill_at = time.monotonic()

    def work(self) -> None:
        """Most often it does nothing. Raises `Unavailable`; any other fault keeps nothing else waiting."""
        try:
            if time.monotonic() >= self._tidy_at:
                self._tidy_at = time.monotonic() + TIDY
                self.tidy()
            if time.monotonic() >= self._look_at:
                self._look_at = time.monotonic() + LOOK
                if self._networks.step():
                    self._look_at = time.monotonic() + PACE
            if time.monotonic() >= self._fill_at:
                self._fill_at = time.monotonic() + PACE
                self._backfill.step()
        except Unavailable:
            self._tidy_at = self._look_at = time.monotonic()
            raise
        except Exception:
            log.exception("housekeeping failed")

    def tidy(self) -> None:
        """Delete what is past its time. Raises `DatabaseUnavailable`."""
        with self._database.write() as connection:
            connection.execute(
                delete(idempotency_keys).where(idempotency_keys.c.created_at < clock.now() - IDEMPOTENCY)
            )
            connection.execute(delete(text_digests).where(text_digests.c.created_at < clock.now() - KEPT))
            restrictions.forget_networks(connection)
        current_key(self._database, self._settings.network_key_days)  # so that the last one may go
        forget_keys(self._database, self._settings.network_keep_days)
        with suppress(RedisUnavailable):
            bars.forget(self._hot)
