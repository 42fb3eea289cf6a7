"""Other names of an article, set by its publisher.

Such a name has an article of its own that takes nothing: its row is what transactions wait for, and its
ballot is closed. So whatever a process that has not heard of the alias yet would store is refused.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, insert, or_, select, update

from engagement import clock
from engagement.db import names
from engagement.db.articles import insert_articles
from engagement.db.ballots import read_cursors, sql_key
from engagement.db.engine import Database
from engagement.db.names import ALIAS, MERGE
from engagement.db.tables import article_aliases, articles, choices, comments, merges, sites
from engagement.errors import Invalid, NotFound
from engagement.hot import commands
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, Ballot

NO_ARTICLE = "There is no such article: `engagement article put` makes it."
HAS_SOME = "is an article with comments or reactions of its own: merge them instead"


def set_alias(database: Database, hot: Hot, site: str, article: str, other: str) -> str:
    """Let the canonical name `other` stand for the article; twice is once. Answers the article's own name.

    It holds on every process within about a second. Raises `NotFound` for an article that isn't there,
    `Invalid` for a name that has comments, choices or names of its own, and `Unavailable`.
    """
    with database.write() as connection:
        article = names.stand_for(connection, site, [article]).get(article, article)
        if article == other:
            raise Invalid(errors={"other": ["is the article's own name"]})
        id, other_id = _lock(connection, site, article, other)
        there = _article_of(connection, site, other)
        if there is None:
            _refuse(connection, other_id)
            row = {"site": site, "external_id": other, "article_id": id, "created_at": clock.now()}
            connection.execute(insert(article_aliases).values(**row))
            connection.execute(update(articles).where(articles.c.id == other_id).values(closed_by=ALIAS))
            names.changed(connection)
        elif there != id:
            raise Invalid(errors={"other": ["is a name of another article already: `article unalias` first"]})
    _change_policy(hot, site, other)
    if _has_choices(database, hot, Ballot(site, other, MOOD), other_id):  # until the ballot was closed
        remove_alias(database, hot, site, other)
        raise Invalid(errors={"other": [HAS_SOME]})
    return article


def remove_alias(database: Database, hot: Hot, site: str, other: str) -> None:
    """Let the name stand for itself again, within about a second everywhere. Raises `NotFound`."""
    with database.write() as connection:
        mine = (article_aliases.c.site == site, article_aliases.c.external_id == other)
        if not connection.execute(delete(article_aliases).where(*mine)).rowcount:
            raise NotFound("It is no other name of an article.")
        named = (articles.c.site == site, articles.c.external_id == other)
        connection.execute(update(articles).where(*named).values(closed_by=None))
        names.changed(connection)
    _change_policy(hot, site, other)


def listed(database: Database, site: str, article: str | None = None) -> list[tuple[str, str, datetime]]:
    """Other names of the articles of a site, by article and in their order: name, article, since when.

    `article`: of this one alone, whatever name it is called by. Those of merged articles are not among them.
    """
    s, a = article_aliases.c, articles.c
    statement = (
        select(s.external_id, a.external_id.label("article"), s.created_at)
        .join(articles, a.id == s.article_id)
        .where(s.site == site)
        .order_by(a.external_id, s.created_at, s.external_id)
    )
    with database.read() as connection:
        if article is not None:
            own = names.stand_for(connection, site, [article]).get(article, article)
            statement = statement.where(a.site == site, a.external_id == own)
        return [(row.external_id, row.article, row.created_at) for row in connection.execute(statement)]


def _lock(connection: Connection, site: str, article: str, other: str) -> tuple[UUID, UUID]:
    """Our ids of both; nobody comments on them until the transaction ends. `other` is made where it isn't."""
    admission = connection.scalar(select(sites.c.articles).where(sites.c.key == site))
    if admission is None:
        raise NotFound("There is no such site.")
    a = articles.c
    if insert_articles(connection, [(site, other)]):  # it is there when it stands for itself some day
        opened = admission == "open"
        values = {"url": None, "comments_open": opened, "reactions_open": opened}
        connection.execute(update(articles).where(a.site == site, a.external_id == other).values(**values))
    rows = connection.execute(
        select(a.id, a.external_id, a.closed_by)
        .where(a.site == site, a.external_id.in_([article, other]))
        .order_by(a.id)
        .with_for_update()
    )
    found = {row.external_id: row for row in rows}
    if article not in found:
        raise NotFound(NO_ARTICLE)
    for field, name in (("article", article), ("other", other)):
        if found[name].closed_by == MERGE:
            raise Invalid(errors={field: ["was merged, or is being merged, with another article"]})
    return found[article].id, found[other].id


def _article_of(connection: Connection, site: str, other: str) -> UUID | None:
    """The article that the name is an alias of."""
    s = article_aliases.c
    found: UUID | None = connection.scalar(select(s.article_id).where(s.site == site, s.external_id == other))
    return found


def _refuse(connection: Connection, other_id: UUID) -> None:
    """Raises `Invalid` for an article that has anything of its own."""
    if any(
        connection.scalar(select(1).where(table.c.article_id == other_id).limit(1)) is not None
        for table in (comments, choices)
    ):
        raise Invalid(errors={"other": [HAS_SOME]})
    leads = or_(
        select(1).where(article_aliases.c.article_id == other_id).exists(),
        select(1).where(merges.c.into_id == other_id).exists(),
    )
    if connection.scalar(select(leads)):
        raise Invalid(errors={"other": ["is an article that has other names itself: merge them instead"]})


def _change_policy(hot: Hot, site: str, other: str) -> None:
    ballot = Ballot(site, other, MOOD)
    hot.execute_many([commands.change_policy(ballot), commands.drop_parts(site, other)])


def _has_choices(database: Database, hot: Hot, ballot: Ballot, id: UUID) -> bool:
    """Stored, or in the ledger still."""
    key = sql_key(id, ballot)
    with database.read() as connection:
        stored = connection.scalar(select(1).where(choices.c.article_id == id).limit(1)) is not None
        cursor = read_cursors(connection, [key])[key]
    return stored or bool(hot.execute(commands.entries(ballot, cursor, 1)))
