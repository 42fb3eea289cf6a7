"""Rendered parts of article pages, kept in Redis for a while. Losing one costs an SQL read, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engagement.errors import RedisUnavailable
from engagement.hot import commands
from engagement.hot.commands import Command, Parts
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

    def read_many(
        self, site: str, articles: Sequence[str], fields: Sequence[str], beside: Sequence[Command[Any]] = ()
    ) -> tuple[list[Parts], list[Any]]:
        """The parts of many articles and the answers of other commands, in one round trip.

        Raises `RedisUnavailable`, because the other commands may matter.
        """
        asked = [command for a in articles for command in commands.read_parts(site, a, fields)]
        answers = self._hot.execute_many([*asked, *beside])
        parts = [Parts(answers[i], answers[i + 1]) for i in range(0, len(asked), 2)]
        return parts, answers[len(asked) :]

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
        try:
            self._hot.execute_many([commands.drop_parts(site, article) for site, article in articles])
        except RedisUnavailable:
            return False
        return True
