"""The two articles of a merge, and the fence behind which choices are moved between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, select

from engagement.db import jobs
from engagement.db.engine import Database
from engagement.db.jobs import Job, Overtaken
from engagement.db.tables import articles, merges
from engagement.hot import commands
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, VOTE, Ballot


@dataclass(frozen=True, slots=True)
class Side:
    """An article: our id, and its name."""

    id: UUID
    site: str
    name: str

    @property
    def key(self) -> tuple[str, str]:
        """As pages are named."""
        return self.site, self.name

    def ballot(self, kind: str, subject: UUID) -> Ballot:
        """On the article, or on a comment of it."""
        return Ballot(self.site, self.name, kind, "" if kind == MOOD else str(subject))

    def votes(self, comment_id: UUID) -> Ballot:
        """On a comment."""
        return self.ballot(VOTE, comment_id)


@dataclass(frozen=True, slots=True)
class Pair:
    """The article that is merged, and the one into which."""

    merged: Side
    into: Side

    @classmethod
    def of(cls, connection: Connection, job: Job) -> Pair:
        """Of the merge that the job does. Raises `Overtaken` if there is none any more."""
        a, b, m = articles.alias("a").c, articles.alias("b").c, merges.c
        row = connection.execute(
            select(a.id, a.site, a.external_id, b.id.label("into_id"), b.external_id.label("into"))
            .where(m.article_id == job.reader_id, m.job_id == job.id)
            .where(a.id == m.article_id, b.id == m.into_id)
        ).one_or_none()
        if row is None:
            raise Overtaken
        return cls(Side(row.id, row.site, row.external_id), Side(row.into_id, row.site, row.into))

    @property
    def sides(self) -> tuple[Side, Side]:
        """Both."""
        return self.merged, self.into


class Fences:
    """Fences of jobs, up on both articles. Raises `RedisUnavailable`."""

    def __init__(self, hot: Hot, database: Database) -> None:
        self._hot = hot
        self._database = database

    @contextmanager
    def up(self, job: Job, pair: Pair) -> Iterator[None]:
        """Put the job's fence up, then move the job on; who comes too late for that takes it down again."""
        name = name_of(job)
        self._hot.execute_many([commands.fence(*side.key, name) for side in pair.sides])
        try:
            yield
        except Overtaken:
            with self._database.read() as connection:
                now = jobs.read(connection, job.id)
            if now is None or not now.running or name_of(now) != name:
                self.lower(job, pair)
            raise

    def lower(self, job: Job, pair: Pair) -> None:
        """Take the job's fence down, with all that was settled behind it."""
        name = name_of(job)
        self._hot.execute_many([commands.unfence(*side.key, name) for side in pair.sides])


def name_of(job: Job) -> str:
    """The fence that the job stands behind now."""
    return f"{job.id.hex}:{job.progress.get('fence', 0)}"
