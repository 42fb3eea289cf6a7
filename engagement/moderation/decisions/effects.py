"""What follows a change of comments, once it is committed: pages go, and votes open or close."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from engagement.errors import RedisUnavailable
from engagement.hot import commands
from engagement.hot.connection import Hot
from engagement.hot.keys import VOTE, Ballot
from engagement.hot.pages import Pages


class Effects:
    """At once, in the process that made the change; a worker does it all again."""

    def __init__(self, pages: Pages, hot: Hot) -> None:
        self._pages = pages
        self._hot = hot

    def apply(self, site: str, article: str, comment_ids: Sequence[UUID]) -> None:
        """As `apply_all`, of one article."""
        self.apply_all([((site, article), id) for id in comment_ids])

    def apply_all(self, changed: Sequence[tuple[tuple[str, str], UUID]]) -> None:
        """After the commit of changes to comments: site and article, and the comment, of each.

        Never raises for a Redis that is down.
        """
        self._pages.drop(list(dict.fromkeys(place for place, _ in changed)))
        ballots = [Ballot(*place, VOTE, str(id)) for place, id in changed]
        with suppress(RedisUnavailable):
            self._hot.execute_many([commands.change_policy(ballot) for ballot in ballots])
