"""Rendered parts of article pages, kept in Redis for a while. Losing one costs an SQL read, nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from engagement.errors import RedisUnavailable
from engagement.hot import commands
from engagement.hot.answers import Glance, Parts
from engagement.hot.connection import Hot


class Pages:
    """Reads, keeps and drops rendered parts. Never raises for a Redis that is down."""

    def __init__(self, hot: Hot, ttl: int) -> None:
        """`ttl`: seconds after which a part is rendered anew in any case."""
        self._hot = hot
        self._ttl = ttl

    def read(self, site: str, article: str, fields: Sequence[str]) -> Parts | None:
        """The parts that are there; None if Redis is down."""
        try:
            stamp, found = self._hot.execute_many(list(commands.read_parts(site, article, fields)))
        except RedisUnavailable:
            return None
        return Parts(stamp, found)

    def glance(self, site: str, articles: Sequence[str], fields: Sequence[str]) -> list[Glance]:
        """Tally of moods and parts of each article, in one round trip. Raises `RedisUnavailable`."""
        return self._hot.execute_many([commands.glance(site, article, fields) for article in articles])

    def keep(self, site: str, article: str, since: Parts | None, values: dict[str, bytes]) -> None:
        """Keep what was rendered from SQL after `since` was read; refused if the article changed since."""
        if since is None or not values:
            return
        try:
            self._hot.execute(commands.store_parts(site, article, since.stamp, self._ttl, values))
        except RedisUnavailable:
            return

    def drop(self, articles: Sequence[tuple[str, str]]) -> bool:
        """Forget the parts of these (site, article); False if Redis is down."""
        drops = [commands.drop_parts(site, article) for site, article in articles]
        try:
            if len(drops) == 1:  # each post: a pipeline costs more than its command
                self._hot.execute(drops[0])
            else:
                self._hot.execute_many(drops)
        except RedisUnavailable:
            return False
        return True
