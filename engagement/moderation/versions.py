"""Which version a change is of, by its `If-Match`."""

from __future__ import annotations

import re

from engagement.errors import BadRequest, Unconditional


def seen(if_match: str | None) -> int:
    """The version that an `If-Match: "3"` names. Raises `BadRequest`, `Unconditional`."""
    if if_match is None:
        raise Unconditional('Send the version that you have seen: If-Match: "1".')
    found = re.fullmatch(r'"(\d{1,9})"', if_match.strip())
    if found is None:
        raise BadRequest('If-Match is not a version such as "1".')
    return int(found[1])
