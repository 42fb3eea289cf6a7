"""What a publisher does: adds and changes sites, puts articles, opens and closes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ada_url
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from engagement import clock
from engagement.db.articles import insert_articles
from engagement.db.engine import Database
from engagement.db.tables import articles, sites
from engagement.errors import Invalid, NotFound
from engagement.hot import commands
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, Ballot
from engagement.sites import policy
from engagement.sites.service import SITE_KEY, Site
from engagement.text import clean_text

NAME_LENGTH = 200
TITLE_LENGTH = 500
SECTION_LENGTH = 100
URL_LENGTH = 2_048
"""Characters."""


def add_site(
    database: Database, key: str, *, name: str, origins: Sequence[str] = (), admission: str = "known"
) -> bool:
    """Make a site; answers False, and changes nothing, if it is there. Raises `Invalid`."""
    if not SITE_KEY.fullmatch(key):
        raise Invalid(errors={"site": ["may have a-z, 0-9 and inner hyphens, at most 64"]})
    values = _site_values(name=name, origins=origins, admission=admission)
    with database.write() as connection:
        if connection.scalar(select(sites.c.key).where(sites.c.key == key)) is not None:
            return False
        try:
            connection.execute(insert(sites).values(key=key, created_at=clock.now(), **values))
        except IntegrityError:  # somebody was faster; on SQLite nobody can be
            connection.rollback()
            return False
        return True


def change_site(
    database: Database,
    key: str,
    *,
    name: str | None = None,
    origins: Sequence[str] | None = None,
    admission: str | None = None,
) -> None:
    """Change what is given of a site; web processes know it within seconds. Raises `Invalid`, `NotFound`."""
    values = _site_values(name=name, origins=origins, admission=admission)
    with database.write() as connection:
        if connection.scalar(select(sites.c.key).where(sites.c.key == key)) is None:
            raise NotFound("There is no such site.")
        if values:
            connection.execute(update(sites).where(sites.c.key == key).values(**values))


def list_sites(database: Database) -> list[Site]:
    """Every site, by its key."""
    with database.read() as connection:
        rows = connection.execute(select(sites).order_by(sites.c.key))
        return [Site(row.key, row.name, tuple(row.origins), row.articles) for row in rows]


def add_demo_site(database_url: str) -> None:
    """The site of the demo pages, unless it is there."""
    database = Database(database_url)
    try:
        add_site(database, "demo", name="The Marrow Bay Courier", admission="open")
    finally:
        database.close()


def put_article(
    database: Database,
    hot: Hot,
    site: str,
    article: str,
    *,
    url: str | None = None,
    title: str | None = None,
    section: str | None = None,
    comments_open: bool | None = None,
    reactions_open: bool | None = None,
) -> None:
    """Make or change an article as its publisher.

    Drops its view and pages, so that the change holds at once. Raises `NotFound`, `Invalid`, `Unavailable`.
    """
    given = {
        "url": None if url is None else _url(url),
        "title": None if title is None else _text("title", title, TITLE_LENGTH),
        "section": None if section is None else _text("section", section, SECTION_LENGTH),
        "comments_open": comments_open,
        "reactions_open": reactions_open,
    }
    changes = {field: value for field, value in given.items() if value is not None}
    with database.write() as connection:
        if connection.scalar(select(sites.c.key).where(sites.c.key == site)) is None:
            raise NotFound("There is no such site.")
        insert_articles(connection, [(site, article)])
        if changes:
            connection.execute(
                update(articles)
                .where(articles.c.site == site, articles.c.external_id == article)
                .values(**changes)
            )
    ballot = Ballot(site, article, MOOD)
    hot.execute_many(
        [commands.change_policy(ballot), commands.forget_view(ballot), commands.drop_parts(site, article)]
    )


def _site_values(*, name: str | None, origins: Sequence[str] | None, admission: str | None) -> dict[str, Any]:
    if admission is not None and admission not in policy.ADMISSIONS:
        raise Invalid(errors={"articles": [f"must be one of {', '.join(policy.ADMISSIONS)}"]})
    values = {
        "name": None if name is None else _text("name", name, NAME_LENGTH),
        "origins": None if origins is None else [_origin(origin) for origin in origins],
        "articles": admission,
    }
    return {column: value for column, value in values.items() if value is not None}


def _origin(text: str) -> str:
    """As browsers send it: lower case, without a default port."""
    url = _parse(text)
    if url is None or str(url.href) != f"{url.origin}/":
        raise Invalid(errors={"origin": [f"{text!r} is not an origin such as https://news.example"]})
    return str(url.origin)


def _url(text: str) -> str:
    url = _parse(text)
    if url is None or len(url.href) > URL_LENGTH:
        raise Invalid(errors={"url": ["is not an http(s) URL"]})
    return str(url.href)


def _parse(text: str) -> ada_url.URL | None:
    """An http(s) URL as a browser reads it."""
    try:
        url = ada_url.URL(text)
    except ValueError:
        return None
    return url if url.protocol in ("http:", "https:") else None


def _text(field: str, text: str, length: int) -> str:
    try:
        return clean_text(text, max_length=length, multiline=False)
    except ValueError as error:
        raise Invalid(errors={field: [str(error)]}) from error
