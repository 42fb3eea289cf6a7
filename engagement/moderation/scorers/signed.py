"""Any scorer over HTTP: JSON in, JSON out, and a signature by which it knows who asks.

The request has `Engagement-Timestamp` (seconds since 1970) and `Engagement-Signature`: `v1=` and the hex
HMAC-SHA256, with the rule's secret, of the timestamp, a full stop, and the body.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Mapping
from typing import Any, Final

import orjson

from engagement import clock
from engagement.fetching import Answer
from engagement.moderation.rules.scoring import Score
from engagement.moderation.scorers.asking import Ask, Unreadable
from engagement.text import clean_text

TOLD: Final = ("site", "article", "url", "title", "reader")
"""What of the context is told beside the text."""
MAX_WORDS: Final = 100
"""Characters of a label, and of why."""


def ask(settings: Mapping[str, Any], text: str, context: Mapping[str, Any]) -> Ask:
    """`{"text", "site", "article", "url", "title", "reader"}`. Raises `Unreadable`."""
    url = settings.get("url")
    if not url:
        raise Unreadable("Its rule names no address.")
    body = orjson.dumps({"text": text} | {name: context.get(name) for name in TOLD})
    stamp = str(int(clock.now().timestamp()))
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Engagement-Timestamp": stamp,
        "Engagement-Signature": f"v1={signature(str(settings['secret']), stamp, body)}",
    }
    return Ask(str(url), body, headers)


def signature(secret: str, stamp: str, body: bytes) -> str:
    """Hex. `stamp`: the timestamp as it is sent."""
    return hmac.digest(secret.encode(), stamp.encode() + b"." + body, "sha256").hex()


def read(answer: Answer) -> Score:
    """`{"score": 0 to 1, "label"?, "why"?}`. Raises `Unreadable`."""
    try:
        told = orjson.loads(answer.body)
        value = told["score"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise Unreadable("Its answer is not JSON with a score.") from None
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value <= 1:
        raise Unreadable("Its score is not 0 to 1.")
    return Score(float(value), _words(told.get("label")), _words(told.get("why")))


def _words(given: Any) -> str:
    if not isinstance(given, str):
        return ""
    try:
        return clean_text(given[: 4 * MAX_WORDS], max_length=4 * MAX_WORDS, multiline=False)[:MAX_WORDS]
    except ValueError:
        return ""
