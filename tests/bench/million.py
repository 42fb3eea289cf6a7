"""Fills an article with very many comments in minutes, of lengths and thread shapes as newspapers have.

Rows are written as the service would have written them, by COPY into PostgreSQL. Lengths are log-normal with
a median of 180 characters, votes follow a power law, and four comments of ten answer another one, most often
a recent one, so that some threads are thirty deep.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import psycopg

from engagement import clock
from engagement.comments import ranking

NESTING = 3
Shape = tuple[UUID, UUID, UUID | None, int]
"""Id, parent, place and depth."""
SAID = """
the council vote on harbour bridge was long overdue and nobody asked those who live there what they think
of it while rents keep rising I read this twice it is simply not true that ferries cost more than roads
"""
WORDS = SAID.split()
COLUMNS = (
    "article_id", "id", "parent_id", "place_id", "depth", "reader_id", "status", "shown", "body", "body_html",
    "renderer", "revision", "created_at", "network", "up", "down", "reply_count", "pinned", "featured",
    *ranking.VOTE_KEYS,
)  # fmt: skip
TYPES = (
    "uuid", "uuid", "uuid", "uuid", "int2", "uuid", "varchar", "bool", "text", "text",
    "int2", "int4", "timestamptz", "varchar", "int8", "int8", "int8", "bool", "bool",
    "int8", "float8", "float8", "float8",
)  # fmt: skip


def fill(url: str, site: str, article: str, many: int, seed: int = 0) -> UUID:
    """Make the article, 10,000 readers and the comments; answers the article's internal id."""
    random, now, article_id = Random(seed), clock.now(), clock.new_id()
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO articles VALUES (%s, %s, %s, NULL, NULL, true, true, %s)",
            (article_id, site, article, now),
        )
        readers = [clock.new_id() for _ in range(min(many, 10_000))]
        with connection.cursor().copy("COPY readers (id, site, name, created_at) FROM STDIN") as copy:
            for n, id in enumerate(readers):
                copy.write_row((id, site, f"Reader {n}", now))
        threads = 0
        with connection.cursor().copy(
            f"COPY comments ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)"
        ) as copy:
            copy.set_types(TYPES)
            for row in _rows(random, article_id, readers, many, now):
                threads += row[2] == article_id
                copy.write_row(row)
        connection.execute("INSERT INTO article_counts VALUES (%s, %s, %s)", (article_id, many, threads))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE comments")
    return article_id


def _rows(random: Random, article_id: UUID, readers: list[UUID], many: int, now: datetime) -> Iterator[Any]:
    """In the order of their age, over the last week."""
    shapes = list(_shapes(random, article_id, many))
    replies = Counter(place or parent for _, parent, place, _ in shapes)
    texts = [_text(random) for _ in range(2_000)]
    for n, (id, parent, place, depth) in enumerate(shapes):
        created_at = now - timedelta(seconds=(many - n) * 600_000 / many)
        up, down = (
            min(int(random.paretovariate(0.9)) - 1, 50_000),
            min(int(random.paretovariate(1.3)) - 1, 50_000),
        )
        text = texts[n % len(texts)]
        yield (
            article_id, id, parent, place, depth, random.choice(readers), "approved", True, text,
            f"<p>{text}</p>", 1, 1, created_at, "", up, down, replies[id], False, False,
            *ranking.sort_keys(up, down, created_at, now),
        )  # fmt: skip


def _shapes(random: Random, article_id: UUID, many: int) -> Iterator[Shape]:
    """Of each comment, the oldest first."""
    recent: list[Shape] = []
    for n in range(many):
        id = UUID(int=(0x018F << 112) | (n << 80) | (7 << 76) | (2 << 62) | random.getrandbits(62))
        shape: Shape = (id, article_id, None, 0)
        if recent and random.random() < 0.4:
            parent, above, place, depth = recent[-min(int(random.paretovariate(0.5)), len(recent))]
            flat = depth >= NESTING
            shape = (id, parent, (place or above) if flat else None, min(depth + 1, 30))
        recent.append(shape)
        if len(recent) > 2_000:
            del recent[:1_000]
        yield shape


def _text(random: Random) -> str:
    length = min(4_000, max(10, int(random.lognormvariate(5.2, 0.9))))
    text = ""
    while len(text) < length:
        text += random.choice(WORDS) + " "
    return text.strip()
