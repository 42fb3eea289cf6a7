"""Comments, reactions and top mood of up to 100 articles, in one round trip when hot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engagement.errors import RedisUnavailable
from engagement.hot.answers import Glance, Tally
from engagement.hot.pages import Pages
from engagement.reactions.moods import top_mood
from engagement.reactions.service import Reactions
from engagement.sites.service import Site, Sites
from engagement.sites.summary import PART, Summary


class Counts:
    """Counts of articles."""

    def __init__(self, pages: Pages, sites: Sites, reactions: Reactions) -> None:
        self._pages = pages
        self._sites = sites
        self._reactions = reactions

    def of(self, site: Site, articles: Sequence[str]) -> tuple[dict[str, dict[str, Any]], str | None]:
        """Article → its counts, zeros for those that nobody knows; and which store could not be asked."""
        try:
            glances = dict(zip(articles, self._pages.glance(site.key, articles, [PART]), strict=True))
        except RedisUnavailable:
            return self._stored(site, articles), "redis"
        summaries = {
            article: Summary.load(kept)
            for article, glance in glances.items()
            if (kept := glance.parts.found[PART]) is not None
        }
        missing = [article for article in articles if article not in summaries]
        if missing:
            stamps: dict[str, str | None] = {article: glances[article].parts.stamp for article in missing}
            known = self._sites.find_seen(site.key, stamps)
            for article in missing:
                summaries[article] = Summary.of(known.get(article))
                if article in known:
                    rendered = {PART: summaries[article].dump()}
                    self._pages.keep(site.key, article, glances[article].parts, rendered)
        glances |= self._reactions.warm(site.key, {a: g for a, g in glances.items() if summaries[a].exists})
        counted = {}
        for article, glance in glances.items():
            counts, degraded = self._tally(site, article, summaries[article], glance)
            if degraded == "redis":
                return self._stored(site, articles), degraded
            counted[article] = _body(summaries[article], counts)
        return counted, None

    def _tally(
        self, site: Site, article: str, summary: Summary, glance: Glance
    ) -> tuple[dict[str, int], str | None]:
        if isinstance(glance.tally, Tally):
            return glance.tally.counts, None
        if not summary.exists:
            return {}, None
        return self._reactions.tally(site.key, article, glance)

    def _stored(self, site: Site, articles: Sequence[str]) -> dict[str, dict[str, Any]]:
        found = self._sites.find_many(site.key, articles)
        stored = self._reactions.stored_tallies(site.key, articles)
        return {article: _body(Summary.of(found.get(article)), stored[article]) for article in articles}


def _body(summary: Summary, counts: dict[str, int]) -> dict[str, Any]:
    return {"comments": summary.comments, "reactions": sum(counts.values()), "top_mood": top_mood(counts)}
