"""Sets, moves and takes back moods; tells an article's tally."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from engagement.db.ballots import on_ballot, sql_key
from engagement.db.engine import Database
from engagement.db.tables import tallies
from engagement.errors import DatabaseUnavailable, NotFound, RedisUnavailable, Unavailable
from engagement.hot.answers import Cold, Tally
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, Ballot
from engagement.hot.protocol import choosing, tallying
from engagement.ratelimit import RateLimits
from engagement.readers.caller import Caller
from engagement.sites.service import Site, Sites


class Reactions:
    """Moods of articles, through the ledger."""

    def __init__(self, hot: Hot, database: Database, sites: Sites, limits: RateLimits) -> None:
        self._hot = hot
        self._database = database
        self._sites = sites
        self._limits = limits

    def choose(
        self, site: Site, article: str, caller: Caller, mood: str | None, signature: str | None
    ) -> dict[str, int]:
        """Set the caller's mood (None takes it back); answers the new tally.

        The first mood of an article makes it, where the site allows that.
        Raises `Closed`, `Forbidden`, `TooFast`, `Unavailable`.
        """
        self._limits.choice(caller.reader_id.hex, caller.network)
        ballot = Ballot(site.key, article, MOOD)
        try:
            tally = self._hot.play(choosing(ballot, caller.reader_id.bytes, mood or "", caller.network))
        except NotFound:
            if mood is None:
                return {}
            if site.articles == "open":
                self._limits.new_article(caller.network)
            self._sites.create(site, article, signature)
            tally = self._hot.play(choosing(ballot, caller.reader_id.bytes, mood, caller.network))
        return tally.counts

    def tally(
        self, site: str, article: str, first: Tally | Cold | None = None
    ) -> tuple[dict[str, int], str | None]:
        """The tally now, and which store could not be asked (then the stored tally, a moment old)."""
        ballot = Ballot(site, article, MOOD)
        try:
            if isinstance(first, Cold) and self._sites.find(site, article) is None:
                return {}, None
            return self._hot.play(tallying(ballot, first)), None
        except NotFound:
            return {}, None
        except DatabaseUnavailable:
            raise
        except RedisUnavailable:
            return self.stored_tally(site, article), "redis"
        except Unavailable:
            return self.stored_tally(site, article), "ledger"

    def stored_tally(self, site: str, article: str) -> dict[str, int]:
        """The tally as flushed. Raises `DatabaseUnavailable`."""
        found = self._sites.find(site, article)
        if found is None:
            return {}
        return self._stored(found.id, Ballot(site, article, MOOD))

    def _stored(self, article_id: UUID, ballot: Ballot) -> dict[str, int]:
        with self._database.read() as connection:
            rows = connection.execute(
                select(tallies.c.choice, tallies.c.count).where(
                    on_ballot(tallies, sql_key(article_id, ballot)), tallies.c.count != 0
                )
            )
            return {choice: count for choice, count in rows}
