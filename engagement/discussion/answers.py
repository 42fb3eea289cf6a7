"""The pages of a discussion as they are shown, and what becomes of the forms on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Response, render_template, request

from engagement.comments.counting import PENDING
from engagement.discussion.forms import Forms
from engagement.discussion.posting import Posting, Written
from engagement.errors import Forbidden, Problem, Unavailable
from engagement.http import is_from, mark_degraded
from engagement.plain import linked_data, words
from engagement.plain.pages import origin
from engagement.plain.places import Place
from engagement.plain.reading import Discussion, Reading, linked
from engagement.readers.caller import Callers
from engagement.settings import Settings
from engagement.sites.service import Site, Sites


@dataclass(frozen=True, slots=True)
class At:
    """What a request's path names. `comment`: the one that is read or answered."""

    site: Site
    article: str
    comment: UUID | None = None

    @property
    def place(self) -> Place:
        """Its pages, by their paths."""
        return Place("", self.site.key, self.article)

    @property
    def own(self) -> str:
        """The page itself, to which its form is sent."""
        return self.place.comment(str(self.comment)) if self.comment else self.place.discussion


class Answers:
    """Answers the calls, over these services."""

    def __init__(
        self, settings: Settings, sites: Sites, reading: Reading, posting: Posting, callers: Callers
    ) -> None:
        self._settings = settings
        self._sites = sites
        self._reading = reading
        self._posting = posting
        self._forms = Forms(settings.secret_key)
        self._callers = callers

    def at(self, site: str, article: str, comment: UUID | None = None) -> At:
        """What a path names. Raises `Invalid`, `NotFound`."""
        found = self._sites.site(site)
        return At(found, self._sites.article_of_segment(found.key, article), comment)

    def whole(self, at: At, sort: str, limit: int, cursor: str | None) -> Response:
        """A page of all threads. Raises `BadRequest`, `Expired`, `Unavailable`."""
        found = self._reading.discussion(at.site, at.article, sort, limit, cursor)
        return self._show(at, found, "discussion/whole.html", limit=limit, first=cursor is None)

    def thread(self, at: At, comment: UUID, cursor: str | None) -> Response:
        """A comment with a page of the replies to it. Raises `BadRequest`, `NotFound`, `Unavailable`."""
        found, thread = self._reading.thread(at.site, at.article, comment, cursor)
        return self._show(at, found, "discussion/thread.html", **thread)

    def received(self, at: At) -> Response:
        """Thanks."""
        return Response(render_template("discussion/received.html", site=at.site, place=at.place))

    def take(self, at: At) -> Response:
        """Post what the form of this request says, or show it again. Raises `Forbidden`."""
        self._refuse_others()
        written = Written(request.form.get("name", ""), request.form.get("body", ""))
        token = request.form.get("token", "")
        try:
            form = self._forms.read(token, at.site.key, at.article, at.comment)
            self._callers.refuse_network(at.site.key)
            posted = self._posting.post(at.site, at.article, at.comment, form, written, self._callers.network)
        except Problem as problem:
            # It may be stored, where a store hung: the same form is sent again then.
            return self._again(at, problem, written, token if isinstance(problem, Unavailable) else None)
        pending = posted["status"] == PENDING
        response = Response(status=303)
        response.headers["Location"] = at.place.received if pending else at.place.comment(posted["id"])
        return response

    def _show(self, at: At, found: Discussion, template: str, **also: Any) -> Response:
        us = origin(self._settings)
        absolute = Place(us, at.site.key, at.article)
        node = linked_data.discussion(found.footer, absolute, found.url, at.site.name)
        html = render_template(
            template,
            site=at.site,
            canonical=f"{us}{at.own}",
            linked_data=linked_data.dump(node),
            untouched=found.untouched,
            action=at.own,
            token=self._forms.new(at.site.key, at.article, at.comment),
            written=Written(),
            **linked(at.place, found),
            **also,
        )
        response = Response(html)
        if found.degraded:
            mark_degraded(response, found.degraded)
        return response

    def _again(self, at: At, problem: Problem, written: Written, token: str | None) -> Response:
        html = render_template(
            "discussion/again.html",
            site=at.site,
            place=at.place,
            action=at.own,
            token=token or self._forms.new(at.site.key, at.article, at.comment),
            problem=problem,
            written=written,
        )
        return Response(html, problem.status, problem.headers)

    def _refuse_others(self) -> None:
        """Raises `Forbidden` for a form that another site's page has sent: browsers say whose page it was."""
        if not is_from(*filter(None, [self._settings.public_url])):
            raise Forbidden("This form takes comments from its own page alone.")


def without(problem: Problem, status: int) -> Response:
    """A page that says why there is none."""
    told, back = words.trouble(problem), None
    path = request.view_args or {}
    if status != 404 or "comment" in path:
        back = f"/discussions/{quote(path['site'], safe='')}/{quote(path['article'], safe=':@~')}"
    return Response(render_template("discussion/trouble.html", told=told, back=back), status, problem.headers)
