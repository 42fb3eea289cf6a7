"""The queue's page: its cards, what is counted, who is on a comment."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from flask import Blueprint, Response, request

from engagement import clock
from engagement.console.forms import chosen, given
from engagement.console.services import Services
from engagement.console.showing import At, entered, is_part, show, to
from engagement.errors import Claimed
from engagement.moderation.queue.service import OLDEST, PENDING, QUEUES, SORTS, Search
from engagement.staff.roles import APPEALS, DECIDE, QUEUE

PAGE = 20
FILTERS = ("section", "article", "author", "q", "reader", "rule")


def add_queue(pages: Blueprint, services: Services) -> None:
    """The routes."""
    guard = services.guard

    @pages.get("/<site>/queue")
    def queue(site: str) -> Response:
        """A page of a queue; to a script that asks for more, its cards alone."""
        at = entered(services, site, QUEUE)
        search = asked(services, at)
        found = services.queue.page(at.site.key, search, at.member)
        more = {**request.args.to_dict(), "cursor": found["next_cursor"]} if found["next_cursor"] else None
        return show(
            "cards.html" if is_part() and search.cursor else "queue.html",
            at,
            page="queue",
            cases=found["items"],
            search=search,
            filters={name: given(name) for name in FILTERS},
            narrowed=any(given(name) for name in FILTERS),
            more=urlencode(more) if more else None,
            looked_through=found["looked_through"],
            back=urlencode(request.args.to_dict()),
            done=request.args.get("done"),
        )

    @pages.get("/<site>/counts")
    def counts(site: str) -> Response:
        """How many wait in each queue; the page asks by itself, every few seconds."""
        at = entered(services, site, QUEUE, passive=True)
        return show(
            "counts.html", at, counts=services.queue.counts(at.site.key), appeals=appeals_open(services, at)
        )

    @pages.get("/<site>/comments/<uuid:comment>")
    def one(site: str, comment: UUID) -> Response:
        """One comment, as in a queue."""
        at = entered(services, site, QUEUE)
        case = services.queue.one(at.site.key, comment, at.member)
        return show("comment.html", at, page="queue", case=case, back="")

    @pages.post("/<site>/comments/<uuid:comment>/claim")
    def claim(site: str, comment: UUID) -> Response:
        """Keep others off it while one reads it; says who is on it, if it is somebody else."""
        guard.check()
        at = entered(services, site, DECIDE)
        try:
            until = services.claims.claim(at.site.key, comment, at.member)
        except Claimed as problem:
            present = problem.present or {}
            return show("claim.html", at, claim=present.get("claim"), id=comment)
        claimed = {"mine": True, "until": clock.rfc3339(until), "by": {"name": at.member.name}}
        return show("claim.html", at, claim=claimed, id=comment)


def asked(services: Services, at: At) -> Search:
    """What the query asks for; what it says that can't be is left out of it. Raises `Invalid`."""
    queue, sort = given("queue"), given("sort")
    values: dict[str, Any] = {name: given(name) for name in ("section", "author", "q")}
    if article := given("article"):
        name = services.sites.article_of_text(article)
        values["article"] = services.sites.articles_of_texts(at.site.key, [name])[name]
    return Search(
        queue=queue if queue in QUEUES else PENDING,
        sort=sort if sort in SORTS else OLDEST,
        reader=chosen("reader"),
        rule=chosen("rule"),
        cursor=given("cursor"),
        limit=PAGE,
        **values,
    )


def back_to_queue(at: At, done: str) -> Response:
    """To the page of the queue that a form was sent from, which says what was done."""
    before = dict(parse_qsl(request.form.get("back", "")))
    return to(f"{at.path('queue')}?{urlencode({**before, 'done': done})}")


def appeals_open(services: Services, at: At) -> int | None:
    """How many appeals wait; None for who has nothing to do with them."""
    if not at.member.may(APPEALS, at.site.key):
        return None
    return services.waiting.appeals(at.site.key)
