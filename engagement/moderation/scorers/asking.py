"""What is asked of a scorer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ask:
    """A POST request."""

    url: str
    body: bytes
    headers: Mapping[str, str]


class Unreadable(Exception):
    """It is set up wrongly, or what came back is no answer. The message says what is wrong."""
