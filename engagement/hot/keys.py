"""How things are named in Redis: shards, hash tags, ballots.

Every key of an article and its comments carries the hash tag of the article's shard, so one script
touches one slot, on one Redis as on Redis Cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

SHARDS = 128
"""Written to SQL at the first start, never changed."""

MOOD = "mood"
VOTE = "vote"


@lru_cache(maxsize=65_536)
def shard_of(site: str, article: str) -> int:
    """The shard of an article: crc32 of `site:article`, modulo `SHARDS`."""
    return crc32(f"{site}:{article}".encode()) % SHARDS


def tag(shard: int) -> str:
    """The hash tag of a shard: `{s17}`."""
    return f"{{s{shard}}}"


@dataclass(frozen=True, slots=True)
class Ballot:
    """One question on which a reader has one choice.

    `kind` is `mood` (of the article; `subject` is empty) or `vote` (on a comment; `subject` is its id).
    """

    site: str
    article: str
    kind: str
    subject: str = ""

    @property
    def name(self) -> str:
        """`kind:subject:site:article`, unique in the service."""
        return f"{self.kind}:{self.subject}:{self.site}:{self.article}"

    @classmethod
    def parse(cls, name: str) -> Ballot:
        """The ballot of a `name`. Raises `ValueError` for anything else."""
        kind, subject, site, article = name.split(":", 3)
        return cls(site, article, kind, subject)

    @property
    def shard(self) -> int:
        """Where the ballot lives."""
        return shard_of(self.site, self.article)


def ballot_keys(ballot: Ballot) -> tuple[str, ...]:
    """KEYS of the ballot scripts: view, choices, ledger, floors, due, policies, shard."""
    t, name = tag(ballot.shard), ballot.name
    own = (f"{t}:view:{name}", f"{t}:choices:{name}", f"{t}:ledger:{name}")
    return (*own, f"{t}:floors", f"{t}:due", f"{t}:policies", f"{t}:shard")


def shard_keys(shard: int) -> tuple[str, ...]:
    """KEYS of `due`: as for a ballot, the first three not used."""
    t = tag(shard)
    return (f"{t}:-", f"{t}:-", f"{t}:-", f"{t}:floors", f"{t}:due", f"{t}:policies", f"{t}:shard")


def barred_key(shard: int) -> str:
    """Who may not choose on the shard: reader → until when (ms), and the job that may choose for them."""
    return f"{tag(shard)}:barred"


def moving_key(site: str, article: str) -> str:
    """The job that moves choices from or to the article, and which of them are settled since it began."""
    return f"{tag(shard_of(site, article))}:moving:{site}:{article}"


def beat_key() -> str:
    """Where workers tell the beat of SQL: one for all."""
    return f"{tag(0)}:beat"


def page_keys(site: str, article: str) -> tuple[str, str]:
    """KEYS of the page scripts: the rendered parts, and the stamp that tells one build from the next."""
    t = tag(shard_of(site, article))
    return f"{t}:pages:{site}:{article}", f"{t}:stamp:{site}:{article}"
