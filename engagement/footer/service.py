"""Puts together what a page load needs, and what the caller did on the article."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import orjson

from engagement import clock
from engagement.comments.paging import PAGE
from engagement.comments.service import Comments, part_of
from engagement.errors import DatabaseUnavailable, RedisUnavailable
from engagement.hot.answers import Parts
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, VOTE, Ballot
from engagement.hot.pages import Pages
from engagement.hot.protocol import recalling
from engagement.moderation.policy.inheritance import closing
from engagement.moderation.policy.policies import Policies
from engagement.reactions.moods import tally_body
from engagement.reactions.service import Reactions
from engagement.readers.caller import Caller
from engagement.readers.service import Readers
from engagement.sites.service import Site, Sites
from engagement.sites.summary import PART, Summary

VALUES = {"up": 1, "down": -1, "": 0}


class Footer:
    """The footer of an article, and the part of it that is about the caller."""

    def __init__(
        self,
        hot: Hot,
        pages: Pages,
        sites: Sites,
        reactions: Reactions,
        comments: Comments,
        readers: Readers,
        policies: Policies,
    ) -> None:
        self._hot = hot
        self._pages = pages
        self._sites = sites
        self._reactions = reactions
        self._comments = comments
        self._readers = readers
        self._policies = policies

    def of(self, site: Site, article: str, sort: str, limit: int) -> tuple[bytes, str | None]:
        """The footer as JSON, and which store could not be asked. One round trip when hot."""
        fields = [PART, part_of(sort)] if limit == PAGE else [PART]
        try:
            (glance,) = self._pages.glance(site.key, [article], fields)
            parts: Parts | None = glance.parts
            counts, degraded = self._reactions.tally(site.key, article, glance)
        except RedisUnavailable:
            parts, degraded = None, "redis"
            counts = self._reactions.stored_tallies(site.key, [article])[article]
        kept = dict(parts.found) if parts else {}
        summary_part, list_part = kept.get(PART), kept.get(part_of(sort))
        if summary_part is None or list_part is None:
            stamp = parts.stamp if parts else None
            found = self._sites.find_seen(site.key, {article: stamp}).get(article)
            summary = Summary.of(found, may_create=site.articles != "known")
            list_part = self._comments.first_page(found, sort, limit)
            if found is not None:
                fresh = {PART: summary.dump(), part_of(sort): list_part}
                self._pages.keep(site.key, article, parts, {name: fresh[name] for name in fields})
        else:
            summary = Summary.load(summary_part)
        tally_part = tally_body(counts)
        body = {
            "article": self._article(site, article, summary),
            "counts": {"comments": summary.comments, "reactions": tally_part["total"]},
            "reactions": tally_part,
            "comments": orjson.Fragment(list_part),
        }
        return orjson.dumps(body), degraded

    def _article(self, site: Site, article: str, summary: Summary) -> dict[str, Any]:
        """What is kept of an article is not its policy: that holds at once, wherever it was set."""
        body = summary.body(article)
        with suppress(DatabaseUnavailable):
            policy = self._policies.named(site.key, article if summary.exists else None, summary.section)
            if closing(policy, summary.created_at, clock.now()) is not None:
                body["comments_open"] = False
        return body

    def me(self, site: Site, article: str, caller: Caller, asked: Sequence[UUID]) -> dict[str, Any]:
        """The caller, their mood, their votes on these comments (0 on those that aren't there), what waits.

        Of the asked comments that are the caller's own, also what it takes to edit them.

        Raises `Unauthorized`, `Unavailable`.
        """
        reader = self._readers.get(site.key, caller.reader_id)
        found = self._sites.find(site.key, article)
        votes = dict.fromkeys(map(str, asked), 0)
        mood, pending = None, []
        own: dict[str, Any] = {}
        if found is not None:
            pending = self._comments.pending(found.id, caller.reader_id)
            there, own = self._comments.asked(found.id, asked, caller.reader_id) if asked else (set(), {})
            of_mood = Ballot(site.key, article, MOOD)
            of_votes = {Ballot(site.key, article, VOTE, str(id)): str(id) for id in there}
            plan = recalling((of_mood, *of_votes), caller.reader_id.bytes, self._hot.limits)
            choices = self._hot.play(plan)
            mood = choices[of_mood] or None
            votes |= {id: VALUES[choices[ballot]] for ballot, id in of_votes.items()}
        return {"reader": reader.body(), "mood": mood, "votes": votes, "pending": pending, "own": own}
