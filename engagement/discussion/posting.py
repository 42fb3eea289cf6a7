"""Posts what was written into a form, by a reader who is made for it, to wait for a moderator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engagement.comments.once import Draft
from engagement.comments.writing import Writing
from engagement.discussion.forms import Form
from engagement.errors import Closed, Expired, Invalid, Unauthorized
from engagement.ratelimit import RateLimits
from engagement.readers.caller import Caller
from engagement.readers.service import Readers, clean_name
from engagement.sites.service import Site, Sites
from engagement.text import clean_text

HELD_FOR = "plain_form"
"""Why such a comment waits: nothing tells the form's reader from a program."""


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody wrote into a form, as they did."""

    name: str = ""
    body: str = ""


class Posting:
    """Takes forms."""

    def __init__(
        self, readers: Readers, sites: Sites, writing: Writing, limits: RateLimits, max_length: int
    ) -> None:
        """`max_length`: of a comment, in characters."""
        self._readers = readers
        self._sites = sites
        self._writing = writing
        self._limits = limits
        self._max_length = max_length

    def post(
        self,
        site: Site,
        article: str,
        parent_id: UUID | None,
        form: Form,
        written: Written,
        network: Callable[[], str],
    ) -> dict[str, Any]:
        """Store the comment; the same form is one comment, however often it is sent.

        Raises `Closed`, `Expired`, `Forbidden`, `Invalid`, `Repeated`, `TooFast`, `Unavailable`.
        """
        if form.expired:
            raise Expired("The form was open for too long. Your text is still here: please send it again.")
        name = clean_name(written.name.strip() or None)
        self._check(written.body)
        caller = Caller(form.id, network)
        if not self._is_there(site, form.id):
            found = self._sites.find(site.key, article)
            if found is not None and not found.comments_open:
                raise Closed("This article takes no more comments.")
            self._limits.new_reader(caller.network)
            self._readers.make(site.key, form.id, name)
        draft = Draft(written.body, parent_id, idempotency_key=f"form {form.id.hex}")
        return self._writing.post(site, article, caller, draft, held_for=HELD_FOR)

    def _check(self, body: str) -> None:
        """Before anything is made for it."""
        try:
            clean_text(body, max_length=self._max_length)
        except ValueError as error:
            raise Invalid(errors={"body": [str(error)]}) from error

    def _is_there(self, site: Site, reader_id: UUID) -> bool:
        try:
            self._readers.get(site.key, reader_id)
        except Unauthorized:
            return False
        return True
