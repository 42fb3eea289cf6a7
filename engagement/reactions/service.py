"""Sets, moves and takes back moods; tells an article's tally."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select

from engagement.db.engine import Database
from engagement.db.tables import articles, tallies
from engagement.errors import DatabaseUnavailable, NotFound, RedisUnavailable, Unavailable
from engagement.hot.answers import Cold, Glance, Tally
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, Ballot
from engagement.hot.pages import Pages
from engagement.hot.protocol import choosing, tallying, warming
from engagement.ratelimit import RateLimits
from engagement.readers.caller import Caller
from engagement.sites.service import Site, Sites
from engagement.sites.summary import PART


class Reactions:
    """Moods of articles, through the ledger."""

    def __init__(self, hot: Hot, pages: Pages, database: Database, sites: Sites, limits: RateLimits) -> None:
        self._hot = hot
        self._pages = pages
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
        self._limits.choice(caller.reader_id, caller.network)

        def choose(name: str) -> dict[str, int]:
            return self._choose_or_create(site, name, caller, mood, signature)

        return self._sites.where_it_is(site.key, article, choose)

    def _choose_or_create(
        self, site: Site, article: str, caller: Caller, mood: str | None, signature: str | None
    ) -> dict[str, int]:
        ballot = Ballot(site.key, article, MOOD)
        try:
            tally = self._choose(ballot, caller, mood or "")
        except NotFound:
            if mood is None:
                return {}
            if site.articles == "open":
                self._limits.new_article(caller.network)
            with self._database.write() as connection:
                self._sites.create(connection, site, article, signature)
            self._pages.drop([(site.key, article)])
            tally = self._choose(ballot, caller, mood)
        return tally.counts

    def _choose(self, ballot: Ballot, caller: Caller, choice: str) -> Tally:
        held = self._hot.limits.held
        return self._hot.play(choosing(ballot, caller.reader_id.bytes, choice, caller.network, held))

    def tally(
        self, site: str, article: str, glance: Glance | None = None
    ) -> tuple[dict[str, int], str | None]:
        """The tally now, and which store could not be asked (then the stored tally, a moment old).

        `glance` is what is at hand of the article already.
        """
        try:
            seen = glance or self._pages.glance(site, [article], [PART])[0]
            stamps: dict[str, str | None] = {article: seen.parts.stamp}
            if isinstance(seen.tally, Cold) and not self._sites.find_seen(site, stamps):
                return {}, None
            return self._hot.play(tallying(Ballot(site, article, MOOD), seen.tally)), None
        except NotFound:
            return {}, None
        except DatabaseUnavailable:
            raise
        except RedisUnavailable:
            return self.stored_tallies(site, [article])[article], "redis"
        except Unavailable:
            return self.stored_tallies(site, [article])[article], "ledger"

    def warm(self, site: str, glances: Mapping[str, Glance]) -> dict[str, Glance]:
        """The glances at articles, with the tallies of those that were cold, all built in few round trips.

        What can't be built so stays as it is, for `tally` to say why.
        """
        cold = {Ballot(site, a, MOOD): g.tally for a, g in glances.items() if isinstance(g.tally, Cold)}
        if len(cold) < 2:
            return dict(glances)
        try:
            found = self._hot.play(warming(cold))
        except (NotFound, Unavailable):
            return dict(glances)
        return {a: replace(g, tally=found.get(Ballot(site, a, MOOD), g.tally)) for a, g in glances.items()}

    def stored_tallies(self, site: str, names: Sequence[str]) -> dict[str, dict[str, int]]:
        """Tallies as flushed, empty for articles that aren't there. Raises `DatabaseUnavailable`."""
        found: dict[str, dict[str, int]] = {name: {} for name in names}
        with self._database.read() as connection:
            rows = connection.execute(
                select(articles.c.external_id, tallies.c.choice, tallies.c.count)
                .join(tallies, tallies.c.article_id == articles.c.id)
                .where(articles.c.site == site, articles.c.external_id.in_(names))
                .where(tallies.c.kind == MOOD, tallies.c.count != 0)
            )
            for name, choice, count in rows:
                found[name][choice] = count
        return found
