"""Limits on writes, per reader and per network, counted in Redis; without it they let through and say so."""

from __future__ import annotations

import time
from collections.abc import Sequence
from hashlib import blake2b, sha1
from math import ceil
from typing import Any
from uuid import UUID

import structlog
from limits import RateLimitItem, RateLimitItemPerSecond, parse_many
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from prometheus_client import Counter

from engagement.errors import RedisUnavailable, TooFast
from engagement.hot.commands import Command, Script
from engagement.hot.connection import Hot
from engagement.settings import Settings

log = structlog.get_logger()
REFUSED = Counter("engagement_ratelimit_refused_total", "Requests over a limit", ["action"])
FAILED_OPEN = Counter("engagement_ratelimit_failed_open_total", "Requests let through because Redis was away")

Limit = tuple[Sequence[RateLimitItem], str]
"""What may be done how often, and by whom."""


class RateLimits:
    """Counts what readers and networks do. Each method raises `TooFast` with `Retry-After`.

    Who it was stands in Redis as a keyed hash, for twice the time that a limit counts.
    """

    def __init__(self, hot: Hot, settings: Settings) -> None:
        self._enabled = settings.ratelimit_enabled
        secret = settings.secret_key.encode()
        self._key = blake2b(secret, digest_size=32, person=b"ratelimit").digest()
        self._hot = hot
        self._storage = _Storage(hot)
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)
        self._readers = parse_many(settings.ratelimit_readers)
        self._articles = parse_many(settings.ratelimit_articles)
        self._choices = parse_many(settings.ratelimit_choices)
        self._comments = parse_many(settings.ratelimit_comments)
        factor = settings.ratelimit_network_factor
        self._exports = parse_many(settings.ratelimit_exports)
        self._reports = parse_many(settings.ratelimit_reports)
        self._network_reports = [_times(item, factor) for item in self._reports]
        self._network_choices = [_times(item, factor) for item in self._choices]
        self._network_comments = [_times(item, factor) for item in self._comments]
        self._network_exports = [_times(item, factor) for item in self._exports]

    def new_reader(self, network: str) -> None:
        """Anonymous readers are free to mint, so the network is what counts."""
        self._hit("reader", [(self._readers, _counted(network))])

    def new_article(self, network: str) -> None:
        """On sites whose articles are `open`."""
        self._hit("article", [(self._articles, _counted(network))])

    def choice(self, reader: UUID, network: str) -> None:
        """A reaction or a vote."""
        self._hit("choice", self._both(reader, self._choices, network, self._network_choices))

    def comment(self, reader: UUID, network: str) -> None:
        """A comment, or a change of name."""
        self._hit("comment", self._both(reader, self._comments, network, self._network_comments))

    def export(self, reader: UUID, network: str) -> None:
        """All that is held of a reader, told once more."""
        self._hit("export", self._both(reader, self._exports, network, self._network_exports))

    def report(self, reader: UUID, network: str) -> None:
        """A report of a comment, or an appeal."""
        self._hit("report", self._both(reader, self._reports, network, self._network_reports))

    def preview(self, network: str) -> None:
        """A text that is shown as it would look."""
        self._hit("preview", [(self._network_choices, _counted(network))])

    def flooded(self, action: str, amount: int, seconds: int, who: UUID | str) -> bool:
        """Is this one more than `amount` in so many seconds? A site's own rule: no setting turns it off.

        `who`: a reader, or the hash of a network. While Redis is away, nobody floods.
        """
        key = blake2b(who.bytes, key=self._key, digest_size=12).hexdigest() if isinstance(who, UUID) else who
        try:
            return not self._limiter.hit(RateLimitItemPerSecond(amount, seconds), action, _counted(key))
        except RedisUnavailable:
            FAILED_OPEN.inc()
            return False

    def _both(
        self, reader: UUID, items: Sequence[RateLimitItem], network: str, of_network: Sequence[RateLimitItem]
    ) -> list[Limit]:
        who = blake2b(reader.bytes, key=self._key, digest_size=12).hexdigest()
        return [(items, who), (of_network, _counted(network))]

    def _hit(self, action: str, limits: list[Limit]) -> None:
        """Ask all windows in one round trip; what comes after the first that refuses is given back.

        A reader who is too fast doesn't use up what the network has for others.
        """
        if not self._enabled:
            return
        asked = [(item, who) for items, who in limits for item in items]
        try:
            passed = self._hot.execute_many([self._storage.take(item, action, who) for item, who in asked])
            if all(passed):
                return
            refused = passed.index(False)
            taken = [one for one, took in zip(asked, passed, strict=True) if took][refused:]
            self._hot.execute_many([self._storage.take(item, action, who, -1) for item, who in taken])
            REFUSED.labels(action).inc()
            item, who = asked[refused]
            reset = self._limiter.get_window_stats(item, action, who).reset_time
        except RedisUnavailable as error:
            FAILED_OPEN.inc()
            log.warning("rate limits are open, Redis is away", error=str(error))
            return
        raise TooFast(
            "That was a little fast. Please wait a moment.",
            retry_after=max(1, ceil(reset - time.time())),
        )


class _Storage(RedisStorage):
    """The library's scripts on our connection: a Cluster, and one breaker with all other calls.

    The two windows of a limit share a hash tag.
    """

    def __init__(self, hot: Hot) -> None:
        super().__init__("redis://", key_prefix="limits")  # a client that never connects
        self._taking = _script(self.SCRIPT_ACQUIRE_SLIDING_WINDOW)
        self.lua_sliding_window = _run(hot, _script(self.SCRIPT_SLIDING_WINDOW))
        self.lua_acquire_sliding_window = _run(hot, self._taking)

    def take(self, item: RateLimitItem, action: str, who: str, amount: int = 1) -> Command[bool]:
        """The library's way of counting one more, if that is within the limit; -1 gives it back."""
        key = item.key_for(action, who)
        windows = (self._previous_window_key(key), self._current_window_key(key))
        keys = tuple(self.prefixed_key(window) for window in windows)
        return Command(self._taking, keys, (item.amount, item.get_expiry(), amount), bool)


def _script(source: bytes) -> Script:
    return Script("limits", source.decode(), sha1(source, usedforsecurity=False).hexdigest())


def _run(hot: Hot, script: Script) -> Any:
    def run(keys: Sequence[str], args: Sequence[Any]) -> Any:
        return hot.execute(Command(script, tuple(keys), tuple(args), _as_it_is))

    return run


def _counted(network: str) -> str:
    """What stays the same when the key of network hashes changes, if the network has it."""
    return getattr(network, "counted", network)


def _as_it_is(reply: Any) -> Any:
    return reply


def _times(item: RateLimitItem, factor: int) -> RateLimitItem:
    return type(item)(item.amount * factor, item.multiples, item.namespace)
