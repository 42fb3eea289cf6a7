"""Scorers: servers of others that say how likely a text is to be refused. They are asked, never trusted.

Each answer is bounded in time and size, each scorer that hangs or is down is spared by a breaker of its own,
and whatever goes wrong is an answer too: `Down`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from threading import Lock
from typing import Any, Final

import structlog
from cachetools import LRUCache
from prometheus_client import Counter

from engagement.breaker import Breaker, BreakerOpenError, Verdict
from engagement.fetching import Answer, Fetcher, FetchError
from engagement.moderation.rules.scoring import Down, Score
from engagement.moderation.scorers import akismet, signed
from engagement.moderation.scorers.asking import Ask, Unreadable

log = structlog.get_logger()
CALLS = Counter("engagement_scorer_calls_total", "Texts that a scorer was asked about", ["scorer", "outcome"])
TIMEOUT: Final = 2.0
"""Seconds: a reader waits for it."""
PAUSE: Final = 5.0
"""Seconds that a scorer which is down is spared for, between two tries."""
REMEMBERED: Final = 1_000
"""Scorers, by their addresses."""

_HOST: Final = re.compile(r"https?://(?:[^/?#@]*@)?([A-Za-z0-9.:\[\]-]{1,253})(?=[/?#]|$)")

ASKS: Final[Mapping[str, Callable[[Mapping[str, Any], str, Mapping[str, Any]], Ask]]] = {
    "http": signed.ask,
    "akismet": akismet.ask,
}
READS: Final[Mapping[str, Callable[[Answer], Score]]] = {"http": signed.read, "akismet": akismet.read}


class HttpScorers:
    """Asks scorers, as rules name them. It may be called in many threads at once, in no transaction."""

    def __init__(self, fetcher: Fetcher) -> None:
        """`fetcher`: with the time that one answer may take."""
        self._fetcher = fetcher
        self._breakers: LRUCache[str, Breaker] = LRUCache(REMEMBERED)
        self._lock = Lock()

    def score(self, settings: Mapping[str, Any], text: str, context: Mapping[str, Any]) -> Score | Down:
        """See `rules.scoring.Scorers`. It never raises."""
        kind = str(settings.get("scorer", "http"))
        try:
            score = self._score(kind, settings, text, context)
        except BreakerOpenError:
            return _down(kind, "spared", "It was down a moment ago.")
        except FetchError as error:
            return _down(kind, "unreachable", str(error))
        except Unreadable as error:
            return _down(kind, "unreadable", str(error))
        CALLS.labels(kind, "scored").inc()
        return score

    def _score(self, kind: str, settings: Mapping[str, Any], text: str, context: Mapping[str, Any]) -> Score:
        if kind not in ASKS:
            raise Unreadable("There is no such scorer.")
        if "secret" not in settings:  # it was stored under another secret key of the service
            raise Unreadable("The rule's secret can't be read: put it in anew.")
        ask = ASKS[kind](settings, text, context)
        with self._breaker(ask.url).watch():
            answer = self._fetcher.post(ask.url, body=ask.body, headers=ask.headers)
            if answer.status != 200:
                raise FetchError(f"It answered {answer.status}.")
        return READS[kind](answer)

    def _breaker(self, url: str) -> Breaker:
        with self._lock:
            breaker = self._breakers.get(url)
            if breaker is None:
                breaker = self._breakers[url] = Breaker(_label(url), _judge, pause=PAUSE)
            return breaker


def _label(url: str) -> str:
    """One for each scorer in the metrics, with its server; what else the address has may be secret."""
    host = _HOST.match(url)
    return f"scorer {host[1] if host else '?'} {sha256(url.encode()).hexdigest()[:8]}"


def _judge(error: Exception) -> Verdict:
    return Verdict.DOWN if isinstance(error, FetchError) else Verdict.NOTHING


def _down(kind: str, outcome: str, why: str) -> Down:
    CALLS.labels(kind, outcome).inc()
    if outcome != "spared":
        log.warning("a scorer gives no answer", scorer=kind, why=why)
    return Down(why)
