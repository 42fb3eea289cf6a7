"""Posts, edits and deletes comments. SQL first; counts follow by way of events."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from engagement import clock
from engagement.comments import emptying, once, rows, threads
from engagement.comments.counting import (
    APPROVED,
    DELETED,
    PENDING,
)
from engagement.comments.once import Draft
from engagement.comments.posting import Posts
from engagement.comments.rendering import render
from engagement.comments.storing import New, NoArticle, Taken
from engagement.comments.verdict import Judge, Judged, Stored, Verdict
from engagement.db.engine import Database
from engagement.errors import DatabaseUnavailable, Edited, Forbidden, Invalid, NotFound, RedisUnavailable
from engagement.hot import commands
from engagement.hot.connection import Hot
from engagement.hot.keys import VOTE, Ballot
from engagement.hot.pages import Pages
from engagement.hot.protocol import choosing
from engagement.ratelimit import RateLimits
from engagement.readers.bars import lock_reader
from engagement.readers.caller import Caller
from engagement.sites.service import Article, Site, Sites
from engagement.text import clean_text

CHOICES = {1: "up", 0: "", -1: "down"}
NOT_THERE = "There is no such comment."


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be written. `max_length` in characters, `edit_window` in seconds.

    `nesting`: the deepest level that is shown nested; below it replies stand flat.
    """

    max_length: int
    edit_window: int
    nesting: int


class Writing:
    """What readers do to comments."""

    def __init__(
        self,
        database: Database,
        hot: Hot,
        pages: Pages,
        sites: Sites,
        limits: RateLimits,
        rules: Rules,
        judge: Judge,
    ) -> None:
        self._database = database
        self._hot = hot
        self._pages = pages
        self._sites = sites
        self._limits = limits
        self._rules = rules
        self._judge = judge
        self._posts = Posts(database, pages, judge, rules.nesting)

    def preview(self, body: str, network: str) -> str:
        """The HTML that a comment with this text would have. Raises `Invalid`, `TooFast`."""
        text = self._clean(body)
        self._limits.preview(network)
        return render(text)

    def post(
        self, site: Site, article: str, caller: Caller, draft: Draft, held_for: str | None = None
    ) -> dict[str, Any]:
        """Store a comment. The first one of an article makes it, where the site allows that.

        The same draft with the same idempotency key is stored once, and answered again. `held_for`: why it
        waits for a moderator; its author alone sees it meanwhile.
        Raises `Closed`, `Forbidden`, `Invalid`, `Repeated`, `TooFast`, `Unauthorized`, `Unavailable`.
        """
        text = self._clean(draft.body)
        again = self._posted_before(article, caller, draft)
        if again is not None:
            return again
        html = render(text)
        self._limits.comment(caller.reader_id, caller.network)

        def post(name: str) -> dict[str, Any]:
            found = self._sites.remembered(site.key, name)
            judged = Judged(site, name, found, caller, text, html, held_for=held_for or caller.held_for)
            verdict = self._judge.judge(judged)
            try:
                return self._post(judged, draft, verdict)
            finally:
                self._judge.done(verdict)

        return self._sites.where_it_is(site.key, article, post)

    def edit(
        self, site: Site, article: str, comment_id: UUID, caller: Caller, body: str, revision: int
    ) -> dict[str, Any]:
        """Change the text of one's own comment; what it said before is kept as a revision.

        `revision`: the one that the caller has seen. Raises `Edited`, `Forbidden`, `Invalid`, `NotFound`,
        `TooFast`, `Unauthorized`, `Unavailable`.
        """
        text = self._clean(body)
        html = render(text)
        self._limits.comment(caller.reader_id, caller.network)

        def edit(name: str) -> dict[str, Any]:
            found = self._article(site, name)
            judged = Judged(site, name, found, caller, text, html, comment_id, caller.held_for)
            verdict = self._judge.judge(judged)
            try:
                return self._edit(found, judged, verdict, comment_id, revision)
            finally:
                self._judge.done(verdict)

        return self._sites.where_it_is(site.key, article, edit)

    def _edit(
        self, found: Article, judged: Judged, verdict: Verdict, comment_id: UUID, revision: int
    ) -> dict[str, Any]:
        caller = judged.caller
        with self._database.write() as connection:
            lock_reader(connection, found.site, caller.reader_id)
            before = self._own(connection, found, comment_id, caller)
            if before.status == DELETED:
                raise NotFound(NOT_THERE)
            if before.revision != revision:
                raise Edited(f"It is at revision {before.revision} by now.")
            if clock.now() - before.created_at > timedelta(seconds=self._rules.edit_window):
                raise Forbidden("The time in which it could be edited is over.")
            if before.body != judged.text:
                rows.revise(connection, before, judged.text, judged.html, verdict)
                at = Stored(found.id, comment_id, revision + 1)
                self._judge.record(connection, [(judged, verdict, at)])
            edited = threads.own(connection, found.id, comment_id, self._rules.edit_window)
        self._pages.drop([(found.site, found.external_id)])
        if not verdict.shown:  # it takes no votes any more
            with suppress(RedisUnavailable):  # a worker does it again
                ballot = Ballot(found.site, found.external_id, VOTE, str(comment_id))
                self._hot.execute(commands.change_policy(ballot))
        return _seen(edited)

    def delete(
        self, site: Site, article: str, comment_id: UUID, caller: Caller, revision: int | None = None
    ) -> None:
        """Take one's own comment back, with all that it ever said. Twice is once.

        Raises `Edited`, `Forbidden`, `NotFound`, `Unauthorized`, `Unavailable`.
        """
        self._sites.where_it_is(
            site.key,
            article,
            lambda name: self._delete(self._article(site, name), comment_id, caller, revision),
        )

    def _delete(self, found: Article, comment_id: UUID, caller: Caller, revision: int | None) -> None:
        with self._database.write() as connection:
            lock_reader(connection, found.site, caller.reader_id, banned_too=True)
            before = self._own(connection, found, comment_id, caller)
            if before.status == DELETED:
                return
            if revision is not None and before.revision != revision:
                raise Edited(f"It is at revision {before.revision} by now.")
            emptying.empty(connection, before)
        name = found.site, found.external_id
        self._pages.drop([name])
        with suppress(RedisUnavailable):  # a worker does it again
            self._hot.execute(commands.change_policy(Ballot(*name, VOTE, str(comment_id))))

    def vote(self, site: Site, article: str, comment_id: UUID, caller: Caller, value: int) -> dict[str, int]:
        """Set the caller's vote: 1, 0 or -1; answers the exact votes.

        Raises `Closed`, `NotFound`, `TooFast`, `Unavailable`.
        """
        self._limits.choice(caller.reader_id, caller.network)
        reader, held = caller.reader_id.bytes, self._hot.limits.held

        def vote(name: str) -> dict[str, int]:
            ballot = Ballot(site.key, name, VOTE, str(comment_id))
            plan = choosing(ballot, reader, CHOICES[value], caller.network, held)
            return self._hot.play(plan).counts

        counts = self._sites.where_it_is(site.key, article, vote)
        up, down = counts.get("up", 0), counts.get("down", 0)
        return {"up": up, "down": down, "score": up - down}

    def _post(self, judged: Judged, draft: Draft, verdict: Verdict) -> dict[str, Any]:
        site, found = judged.site, judged.article
        try:
            if found is not None:
                posted = self._posts.post(New(found.id, draft, judged, verdict))
            else:
                if site.articles == "open":
                    self._limits.new_article(judged.caller.network)

                def make(connection: Connection) -> New:
                    made = self._sites.create(connection, site, judged.name, draft.signature)
                    return New(made.id, draft, judged, verdict)

                posted = self._posts.post_first(make)
        except Taken:
            return _seen(self._posted_before(judged.name, judged.caller, draft))
        except NoArticle:
            self._sites.forget(site.key, judged.name)
            raise DatabaseUnavailable from None
        return posted.body_of_own(self._rules.edit_window)

    def _clean(self, body: str) -> str:
        try:
            return clean_text(body, max_length=self._rules.max_length)
        except ValueError as error:
            raise Invalid(errors={"body": [str(error)]}) from error

    def _article(self, site: Site, article: str) -> Article:
        found = self._sites.find(site.key, article)
        if found is None:
            raise NotFound("There is no such article.")
        return found

    def _posted_before(self, article: str, caller: Caller, draft: Draft) -> dict[str, Any] | None:
        """What this key was used for already: sending again costs nothing."""
        if draft.idempotency_key is None:
            return None
        with self._database.ask() as connection:
            if not once.is_used(connection, caller.reader_id, draft.idempotency_key):
                return None
        with self._database.read() as connection:
            before = once.posted(connection, caller.reader_id, article, draft)
            if before is None:
                return None
            return _seen(threads.own(connection, *before, self._rules.edit_window))

    def _own(self, connection: Connection, found: Article, comment_id: UUID, caller: Caller) -> Row[Any]:
        """The caller's comment, locked. Raises `Closed`, `NotFound`, `Forbidden`."""
        self._sites.hold(connection, found.id)
        locked = emptying.lock(connection, found.id, [comment_id])
        if not locked or (locked[0].reader_id != caller.reader_id and not locked[0].shown):
            raise NotFound(NOT_THERE)
        if locked[0].reader_id != caller.reader_id:
            raise Forbidden("It is the comment of somebody else.")
        if locked[0].status not in (APPROVED, PENDING, DELETED):
            raise Forbidden("A moderator has decided on it.")
        return locked[0]


def _seen(comment: dict[str, Any] | None) -> dict[str, Any]:
    if comment is None:
        raise NotFound("The comment is not to be seen any more.")
    return comment
