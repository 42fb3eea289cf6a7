"""Every setting of the service: read from `ENGAGEMENT_…`, typed, checked at start, all faults at once.

A setting `X` is the variable `ENGAGEMENT_X`, or a file that `ENGAGEMENT_X_FILE` names (for secrets).
Nothing is read at import, and secrets have no default: `serve`, the one-machine default, makes its own
in the data folder; a production start without one stops and says which is missing.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from environs import EnvValidationError, FileAwareEnv
from environs.exceptions import EnvNotSetError
from marshmallow import ValidationError
from marshmallow.validate import Length, OneOf, Range

from engagement.errors import SettingsError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
PREFIX = "ENGAGEMENT_"
SECRETS = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the service was told. Times are in seconds unless a name says otherwise."""

    database_url: str = field(repr=False)
    """URL of the truth: `sqlite:////folder/engagement.db` or `postgresql://user:password@host/database`."""
    redis_url: str = field(repr=False)
    """`redis://host:6379/0`, `unix:///folder/redis.sock` or `redis+cluster://host:6379,host:6379`."""
    secret_key: str = field(repr=False)
    """Signs reader tokens and has its part in the network hashes; at least 32 characters."""
    durability: str = "always"
    """Of the private Redis: `always` (answered is on disk) or `everysec` (about a second may go)."""

    host: str = "127.0.0.1"
    port: int = 8000
    web_workers: int = 2
    web_threads: int = 16
    trusted_proxies: tuple[Network, ...] = ()
    """Proxies whose `X-Forwarded-For` is believed."""

    public_url: str = ""
    """The origin at which readers reach the service; empty: the one that a request names."""
    public_max_age: int = 1
    comment_max_length: int = 5_000
    """Characters."""
    edit_window: int = 900
    """How long readers may edit what they have posted."""
    nesting: int = 3
    """The deepest level of replies that is shown nested; of what is posted from now on."""
    body_max_bytes: int = 65_536
    token_max_age: int = 400 * 86_400
    tracking_parameters: tuple[str, ...] = ()
    """Query parameters to drop from article URLs, beside the usual ones."""

    ratelimit_enabled: bool = True
    ratelimit_readers: str = "30/hour;200/day"
    """New readers per network."""
    ratelimit_articles: str = "60/hour"
    """New articles per network, where the site is `open`."""
    ratelimit_choices: str = "20/10 seconds;300/hour"
    """Reactions and votes per reader; `ratelimit_network_factor` times that per network."""
    ratelimit_comments: str = "4/minute;60/hour"
    """Comments per reader; `ratelimit_network_factor` times that per network."""
    ratelimit_reports: str = "10/minute;60/hour"
    """Reports and appeals per reader; `ratelimit_network_factor` times that per network."""
    ratelimit_exports: str = "5/hour"
    """Exports of all that is held of a reader; `ratelimit_network_factor` times that per network."""
    ratelimit_network_factor: int = 20

    erase_choices: str = "taken"
    """What becomes of an erased reader's reactions and votes: `taken` (back) or `kept` (by nobody)."""
    network_key_days: int = 30
    """After which networks are hashed with another key."""
    network_keep_days: int = 90
    """After which a key is deleted, and the hash of what was posted or chosen so long ago."""

    console_idle: int = 3_600
    """After which somebody who did nothing in the moderators' console signs in again."""
    console_max_age: int = 43_200
    """After which anybody signs in again there."""

    fetch_inside: tuple[str, ...] = ()
    """Hosts of one's own network that keys and scores may be fetched from, over http as well."""

    moderation_log_heads: str = ""
    """A file that every new head of the moderation log is appended to; empty: none."""

    redis_timeout: float = 2.0
    database_timeout: float = 5.0
    ledger_keep: float = 60.0
    """How long a flushed ledger entry stays, for an SQL store that goes back a little."""
    flush_interval: float = 0.1
    """Pause of the worker between two looks at the due sets."""
    replay_limit: int = 5_000
    """Ledger entries that one hydration may replay."""
    ledger_limit: int = 1_000_000
    """Ledger entries that one shard (of 128) may hold; past it its reactions and votes are refused."""
    view_ttl: int = 86_400
    page_ttl: int = 60

    log_level: str = "INFO"
    log_format: str = "json"
    worker_metrics_port: int = 0
    """Where a worker on a host of its own tells its metrics; 0: nowhere."""
    metrics_dir: str = ""
    """Where the processes of one host share their metrics; empty: each answers for itself."""

    @property
    def web_connections(self) -> int:
        """To the database, that one web process opens at most."""
        return self.web_threads + 2


def load(**given: Any) -> Settings:
    """Read the settings out of the environment; `given` values (by field name) go before it.

    Raises `SettingsError` with one line for each fault, all at once.
    """
    env = FileAwareEnv(prefix=PREFIX, strip_whitespace=True)
    read: dict[str, Callable[[str], Any]] = {
        "database_url": lambda n: env.str(n, validate=_database_url),
        "redis_url": lambda n: env.str(n, validate=_redis_url),
        "secret_key": lambda n: env.str(n, validate=Length(min=32)),
        "durability": lambda n: env.str(n, validate=OneOf(["always", "everysec"])),
        "host": env.str,
        "port": lambda n: env.int(n, validate=Range(0, 65_535)),
        "web_workers": lambda n: env.int(n, validate=Range(1, 64)),
        "web_threads": lambda n: env.int(n, validate=Range(1, 256)),
        "trusted_proxies": lambda n: _networks(env.list(n)),
        "public_url": lambda n: env.str(n, validate=_origin).rstrip("/"),
        "public_max_age": lambda n: env.int(n, validate=Range(0, 3600)),
        "comment_max_length": lambda n: env.int(n, validate=Range(1, 20_000)),
        "edit_window": lambda n: env.int(n, validate=Range(0, 30 * 86_400)),
        "nesting": lambda n: env.int(n, validate=Range(1, 10)),
        "body_max_bytes": lambda n: env.int(n, validate=Range(1024, 1_048_576)),
        "token_max_age": lambda n: env.int(n, validate=Range(60)),
        "tracking_parameters": lambda n: tuple(env.list(n)),
        "ratelimit_enabled": env.bool,
        "ratelimit_readers": lambda n: env.str(n, validate=_rate),
        "ratelimit_articles": lambda n: env.str(n, validate=_rate),
        "ratelimit_choices": lambda n: env.str(n, validate=_rate),
        "ratelimit_comments": lambda n: env.str(n, validate=_rate),
        "ratelimit_reports": lambda n: env.str(n, validate=_rate),
        "ratelimit_exports": lambda n: env.str(n, validate=_rate),
        "ratelimit_network_factor": lambda n: env.int(n, validate=Range(1, 10_000)),
        "erase_choices": lambda n: env.str(n, validate=OneOf(["taken", "kept"])),
        "network_key_days": lambda n: env.int(n, validate=Range(1, 3_650)),
        "network_keep_days": lambda n: env.int(n, validate=Range(1, 3_650)),
        "console_idle": lambda n: env.int(n, validate=Range(60, 7 * 86_400)),
        "console_max_age": lambda n: env.int(n, validate=Range(60, 30 * 86_400)),
        "fetch_inside": lambda n: _hosts(env.list(n)),
        "moderation_log_heads": env.str,
        "redis_timeout": lambda n: env.float(n, validate=Range(0.05, 60)),
        "database_timeout": lambda n: env.float(n, validate=Range(0.05, 300)),
        "ledger_keep": lambda n: env.float(n, validate=Range(0, 3600)),
        "flush_interval": lambda n: env.float(n, validate=Range(0.01, 10)),
        "replay_limit": lambda n: env.int(n, validate=Range(10, 100_000)),
        "ledger_limit": lambda n: env.int(n, validate=Range(100, 100_000_000)),
        "view_ttl": lambda n: env.int(n, validate=Range(60)),
        "page_ttl": lambda n: env.int(n, validate=Range(1, 3600)),
        "log_level": lambda n: env.str(n, validate=OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])),
        "log_format": lambda n: env.str(n, validate=OneOf(["json", "console"])),
        "worker_metrics_port": lambda n: env.int(n, validate=Range(0, 65_535)),
        "metrics_dir": env.str,
    }
    values = dict(given)
    faults = []
    for setting, reader in read.items():
        name = setting.upper()
        if setting in values or (name not in SECRETS and not _is_set(name)):
            continue
        try:
            values[setting] = reader(name)
        except EnvNotSetError:
            faults.append(f"{PREFIX}{name} is not set (or name a file in {PREFIX}{name}_FILE)")
        except (EnvValidationError, ValueError, OSError) as error:
            faults.append(f"{PREFIX}{name}: {_plain(error)}")
    known = {PREFIX + setting.upper() for setting in read}
    faults += [
        f"{name} is not a setting"
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and name.removesuffix("_FILE") not in known and name not in NOT_SETTINGS
    ]
    if faults:
        raise SettingsError(faults)
    settings = Settings(**values)
    if settings.network_keep_days < settings.network_key_days:
        raise SettingsError([f"{PREFIX}NETWORK_KEEP_DAYS must not be less than {PREFIX}NETWORK_KEY_DAYS"])
    return settings


NOT_SETTINGS = frozenset({"ENGAGEMENT_DATA"})
"""Read by the command line, before there are settings."""


def _is_set(name: str) -> bool:
    return PREFIX + name in os.environ or f"{PREFIX}{name}_FILE" in os.environ


def _plain(error: Exception) -> str:
    """A library's message without the variable's value, which may be a secret."""
    if isinstance(error, EnvValidationError):
        return " ".join(str(message) for message in error.error_messages)
    return str(error)


def _networks(texts: list[str]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text.strip()) for text in texts)


def _hosts(texts: list[str]) -> tuple[str, ...]:
    return tuple(text.strip().lower() for text in texts)


def _rate(text: str) -> None:
    from limits import parse_many

    parse_many(text)


def _origin(text: str) -> None:
    if text and not re.fullmatch(r"https?://[^\s/?#@\\\"'<>]+/?", text):
        raise ValidationError("is not an origin such as https://engagement.news.example")


def _database_url(text: str) -> None:
    # Here and above: `serve` checks settings before it needs the libraries, and shall start soon.
    if text.startswith("sqlite://"):
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            make_url(text)
        except ArgumentError:
            raise ValidationError("is not a database URL") from None
    elif text.startswith("postgresql://"):
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict

        try:
            conninfo_to_dict(text)
        except ProgrammingError:
            raise ValidationError("is not a database URL") from None
    else:
        raise ValidationError("must begin with postgresql:// or sqlite://")


def _redis_url(text: str) -> None:
    if re.match(r"rediss?\+cluster://", text):
        if not re.fullmatch(rf"rediss?\+cluster://([^@/]*@)?{_NODE}(,{_NODE})*/?(\?.*)?", text):
            raise ValidationError("must be redis+cluster://[user:password@]host:port,host:port")
    elif not re.match(r"(rediss?|unix)://.", text):
        raise ValidationError("must begin with redis://, rediss://, unix:// or redis+cluster://")


_NODE = r"([^\[\]:@,/?]+|\[[0-9a-fA-F:.]+\]):\d{1,5}"
"""Of a Redis Cluster: host (an IPv6 address in brackets) and port."""
