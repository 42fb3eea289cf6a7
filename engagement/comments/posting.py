"""Posts comments: those that come at once are stored in one transaction, with one look at their pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from engagement.comments.grouping import Alone, Groups
from engagement.comments.storing import New, Outcome, Written, store
from engagement.comments.verdict import Judge, Stored
from engagement.db.engine import Database
from engagement.errors import DatabaseUnavailable
from engagement.hot.pages import Pages

log = structlog.get_logger()
MOST = 64
"""Comments of one transaction."""
PATIENCE = 60.0
"""Seconds that a comment waits for those before it and beside it: far more than their time-outs."""
COMPANY = 0.002
"""Seconds: about what the shortest transaction takes on a disk."""


class Posts:
    """Stores new comments. What one of them gets is as if it had been alone."""

    def __init__(self, database: Database, pages: Pages, judge: Judge, nesting: int) -> None:
        """`nesting`: the deepest level that is shown nested."""
        self._database = database
        self._pages = pages
        self._judge = judge
        self._nesting = nesting
        self._groups: Groups[New, Written] = Groups(
            self._together, self.post_alone, most=MOST, patience=PATIENCE, company=COMPANY
        )

    @property
    def waiting(self) -> int:
        """How many wait for the transaction that is under way."""
        return self._groups.waiting

    def post(self, new: New) -> Written:
        """With those that come at the same time, one of each reader. Raises what `store` tells."""
        return self._groups.do(new.judged.caller.reader_id, new)

    def post_alone(self, new: New) -> Written:
        """In a transaction of its own, which waits for who holds what it is about."""
        return self.post_first(lambda _: new)

    def post_first(self, prepare: Callable[[Connection], New]) -> Written:
        """As `post_alone`; what `prepare` writes is in the transaction as well."""
        with self._database.write() as connection:
            new = prepare(connection)
            (outcome,) = self._store(connection, [new], waits=True)
            if isinstance(outcome, Exception):
                raise outcome
        self._drop_pages([new])
        return outcome

    def _together(self, news: Sequence[New]) -> Sequence[Outcome]:
        """A group that can't be stored as a whole is nobody's fault: each is tried alone."""
        is_stored = False
        try:
            with self._database.write() as connection:
                outcomes = self._store(connection, news, waits=False)
                is_stored = True  # or will be, unless the store is lost at the last moment
        except Exception as error:
            if isinstance(error, DatabaseUnavailable) and (is_stored or not _is_answer(error)):
                return [DatabaseUnavailable() for _ in news]
            if is_stored:
                raise
            log.warning("a group of comments is stored one by one", error=type(error).__name__)
            return [Alone() for _ in news]
        self._drop_pages([new for new, at in zip(news, outcomes, strict=True) if isinstance(at, Written)])
        return outcomes

    def _store(self, connection: Connection, news: Sequence[New], *, waits: bool) -> list[Outcome]:
        outcomes = store(connection, news, self._nesting, waits=waits)
        records = [
            (new.judged, new.verdict, Stored(new.article_id, at.id, 1))
            for new, at in zip(news, outcomes, strict=True)
            if isinstance(at, Written)
        ]
        self._judge.record(connection, records)
        return outcomes

    def _drop_pages(self, news: Sequence[New]) -> None:
        """Of the articles that have something new to show."""
        changed = {(new.judged.site.key, new.judged.name): None for new in news if new.verdict.shown}
        if changed:
            self._pages.drop(list(changed))


def _is_answer(error: DatabaseUnavailable) -> bool:
    """Does the store tell what was wrong, such as a lock that was not got in time? Then nothing is stored."""
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and not cause.connection_invalidated
