"""Our error tree. Each leaf that a client can meet is one RFC 9457 problem.

EngagementError
├── SettingsError            (at start: one line for each fault)
├── StartError               (the command line: one line, exit code 1)
└── Problem
    ├── BadRequest       400  what was sent can't be read
    ├── Unauthorized     401  no token, or not a good one
    ├── Forbidden        403
    ├── Banned           403  what this reader, or network, writes is not taken; `reason`, `until`
    ├── NotFound         404
    ├── Closed           409  the article takes no more of this
    ├── Repeated         409  the same text, twice in a row
    ├── Outrun           409  a comment is not as a moderator has seen it; `present` is how it is
    │   ├── Decided           somebody has decided on it
    │   ├── Rewritten         its author has edited it
    │   └── Claimed           somebody else is on it
    ├── Expired          410  a walk that was left for too long
    ├── Edited           412  somebody was faster; If-Match names another revision
    ├── TooLarge         413
    ├── Invalid          422  a field is wrong; `errors` names it
    ├── Unconditional    428  If-Match is missing
    ├── TooFast          429  Retry-After
    └── Unavailable      503  Retry-After: a store is down or busy
        ├── RedisUnavailable
        │   └── RedisFull     its memory is full of what waits to be stored
        └── DatabaseUnavailable
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar


class EngagementError(Exception):
    """The root of everything raised on purpose."""


class SettingsError(EngagementError):
    """The settings are wrong. `faults` holds one line for each."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = list(faults)


class StartError(EngagementError):
    """A command can't start or go on; the message is the one line to print."""


class Problem(EngagementError):
    """What a client is told. `kind` is the stable last part of the problem's `type`."""

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Mapping[str, Sequence[str]] | None = None,
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`errors`: field → messages. `retry_after`: seconds."""
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["Retry-After"] = str(retry_after)

    def body(self) -> dict[str, Any]:
        """The members of the `application/problem+json` answer."""
        body: dict[str, Any] = {
            "type": f"urn:engagement:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
        }
        if self.detail:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = {field: list(messages) for field, messages in self.errors.items()}
        return body


class BadRequest(Problem):
    """What was sent can't be read."""

    status, kind, title = 400, "bad-request", "The request can't be read"


class Unauthorized(Problem):
    """No bearer token, or one that is broken, forged, expired or of another site."""

    status, kind, title = 401, "unauthorized", "A valid token is needed"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="engagement"'})


class Forbidden(Problem):
    """Understood, and refused."""

    status, kind, title = 403, "forbidden", "Not allowed"


class Banned(Problem):
    """Who may not write here. `reason`: a code of moderation's; `until`: in UTC, None for good."""

    status, kind, title = 403, "banned", "You may not write here"

    def __init__(self, reason: str, until: datetime | None) -> None:
        self.reason = reason
        self.until = until and until.strftime("%Y-%m-%dT%H:%M:%SZ")
        super().__init__(
            f"You may not write here until {self.until}." if until else "You may not write here."
        )

    def body(self) -> dict[str, Any]:
        """See `Problem`."""
        return super().body() | {"reason": self.reason, "until": self.until}


class NotFound(Problem):
    """There is no such thing here."""

    status, kind, title = 404, "not-found", "Not found"


class Closed(Problem):
    """The article takes no more of this."""

    status, kind, title = 409, "closed", "Closed"


class Repeated(Problem):
    """The same text again."""

    status, kind, title = 409, "repeated", "You have just said that"


class Outrun(Problem):
    """A decision on a comment that is not any more as it was seen. `present`: how it is now."""

    status, kind, title = 409, "outrun", "It is not as you have seen it"

    def __init__(self, detail: str, present: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.present = present

    def body(self) -> dict[str, Any]:
        """See `Problem`."""
        return super().body() | ({} if self.present is None else {"present": dict(self.present)})


class Decided(Outrun):
    """Somebody has decided on it meanwhile."""

    kind, title = "decided", "It is decided"


class Rewritten(Outrun):
    """Its text is another one by now."""

    kind, title = "edited", "It has been edited meanwhile"


class Claimed(Outrun):
    """Another moderator is on it."""

    kind, title = "claimed", "Somebody else is on it"


class Expired(Problem):
    """What a cursor leads through is not kept any more."""

    status, kind, title = 410, "expired", "The page is gone"


class Edited(Problem):
    """It is not as the caller has seen it."""

    status, kind, title = 412, "edited", "It has been changed meanwhile"


class TooLarge(Problem):
    """The body is over the limit."""

    status, kind, title = 413, "too-large", "The body is too large"


class Invalid(Problem):
    """One or more fields are wrong; `errors` names each."""

    status, kind, title = 422, "invalid", "A field is not valid"


class Unconditional(Problem):
    """A change that doesn't say what it changes."""

    status, kind, title = 428, "unconditional", "If-Match is needed"


class TooFast(Problem):
    """Over a rate limit."""

    status, kind, title = 429, "too-fast", "Too many requests"


WAITING = "Too much is waiting to be stored."


class Unavailable(Problem):
    """A store is down or busy: try again.

    Never half done. Where a store hung after it was asked, it may do all of it when it goes on; asking again
    is right in any case, since no call here counts twice.
    """

    status, kind, title = 503, "unavailable", "Not available right now"

    def __init__(self, detail: str = "", *, retry_after: int = 1) -> None:
        super().__init__(detail, retry_after=retry_after)


class RedisUnavailable(Unavailable):
    """Redis is down, hung or out of memory."""

    def __init__(self, detail: str = "The live counts can't be reached.", *, retry_after: int = 1) -> None:
        super().__init__(detail, retry_after=retry_after)


class RedisFull(RedisUnavailable):
    """Redis has no memory left: it holds too much that is not stored yet."""

    def __init__(self) -> None:
        super().__init__(WAITING, retry_after=5)


class DatabaseUnavailable(Unavailable):
    """The SQL store is down, hung or locked."""

    def __init__(self) -> None:
        super().__init__("The database can't be reached.")
