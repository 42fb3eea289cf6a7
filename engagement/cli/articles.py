"""`engagement article …`: puts articles, gives them other names, merges them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from engagement.cli.shared import data_option, open_stores

if TYPE_CHECKING:
    from engagement.db.engine import Database
    from engagement.settings import Settings
    from engagement.sites.service import Sites


@click.group()
def article() -> None:
    """Articles."""


@article.command("put")
@click.argument("site")
@click.argument("article")
@click.option("--url", help="Where it is read.")
@click.option("--title")
@click.option("--section", help="Policies may go by it.")
@click.option("--comments", type=click.Choice(["open", "closed"]))
@click.option("--reactions", type=click.Choice(["open", "closed"]))
@data_option
def put_article(
    site: str,
    article: str,
    url: str | None,
    title: str | None,
    section: str | None,
    comments: str | None,
    reactions: str | None,
    data: Path | None,
) -> None:
    """Add or change an article, as its publisher."""
    from engagement.sites.publishing import put_article

    with open_stores(data) as (settings, database, hot):
        name = _sites(settings, database).articles_of_texts(site, [article])[article]
        put_article(
            database,
            hot,
            site,
            name,
            url=url,
            title=title,
            section=section,
            comments_open=None if comments is None else comments == "open",
            reactions_open=None if reactions is None else reactions == "open",
        )
    click.echo(f"The article {name} is there.")


@article.command("alias")
@click.argument("site")
@click.argument("article")
@click.argument("other")
@data_option
def alias_article(site: str, article: str, other: str, data: Path | None) -> None:
    """Let another name stand for an article, in every call.

    A name that has comments or reactions of its own is refused: merge the two.
    """
    from engagement.sites.aliases import set_alias

    with open_stores(data) as (settings, database, hot):
        sites = _sites(settings, database)
        name, alias = sites.article_of_text(article), sites.article_of_text(other)
        name = set_alias(database, hot, site, name, alias)
    click.echo(f"{alias} stands for {name}.")


@article.command("unalias")
@click.argument("site")
@click.argument("other")
@data_option
def unalias_article(site: str, other: str, data: Path | None) -> None:
    """Let a name that stood for an article stand for itself again."""
    from engagement.sites.aliases import remove_alias

    with open_stores(data) as (settings, database, hot):
        alias = _sites(settings, database).article_of_text(other)
        remove_alias(database, hot, site, alias)
    click.echo(f"{alias} stands for itself.")


@article.command("aliases")
@click.argument("site")
@click.argument("article", required=False)
@data_option
def list_aliases(site: str, article: str | None, data: Path | None) -> None:
    """List the other names of a site's articles, or of one article.

    Of each: name, article, since when. `engagement article merges` lists the names of merged articles.
    """
    from engagement import clock
    from engagement.sites.aliases import listed

    with open_stores(data) as (settings, database, _):
        name = None if article is None else _sites(settings, database).article_of_text(article)
        lines = [
            f"{other}  stands for {of}  since {clock.rfc3339(since)}"
            for other, of, since in listed(database, site, name)
        ]
    for line in lines or ["There are no other names."]:
        click.echo(line)


@article.command("merge")
@click.argument("site")
@click.argument("article")
@click.argument("into")
@data_option
def merge_article(site: str, article: str, into: str, data: Path | None) -> None:
    """Merge an article into another one: its name, comments, votes and reactions go over.

    A reader who has a mood on both keeps that on the other one. It goes on in the workers when this is
    stopped, and here where there are none. `engagement article unmerge` undoes it.
    """
    from engagement.sites.merging import begin

    with open_stores(data) as (settings, database, _):
        sites = _sites(settings, database)
        merged, other = sites.article_of_text(article), sites.article_of_text(into)
        _finish(settings, database, begin(database, site, merged, other))
    click.echo(f"{merged} is merged into {other}.")


@article.command("unmerge")
@click.argument("site")
@click.argument("article")
@data_option
def unmerge_article(site: str, article: str, data: Path | None) -> None:
    """Undo a merge: what was moved comes back.

    Comments come back as they are by now, with all their votes, and so does every mood that was taken. What
    came in meanwhile stays with the article that took it in: comments, answers, and a mood that its reader
    has changed since.
    """
    from engagement.sites.merging import undo

    with open_stores(data) as (settings, database, _):
        merged = _sites(settings, database).article_of_text(article)
        _finish(settings, database, undo(database, site, merged))
    click.echo(f"{merged} stands for itself.")


@article.command("merges")
@click.option("--site", help="[default: every one]")
@data_option
def list_merges(site: str | None, data: Path | None) -> None:
    """List the articles that were merged into others, and those that are being merged or taken apart.

    Of each: site, article, into which one, state, since when.
    """
    from engagement import clock
    from engagement.sites.merging import listed

    with open_stores(data) as (_, database, _):
        lines = [
            f"{key}  {merged}  {into}  {state}  since {clock.rfc3339(since)}"
            for key, merged, into, state, since in listed(database, site)
        ]
    for line in lines or ["No article is merged."]:
        click.echo(line)


def _sites(settings: Settings, database: Database) -> Sites:
    from engagement.sites.service import Sites

    return Sites(database, settings.secret_key, settings.tracking_parameters)


def _finish(settings: Settings, database: Database, job: UUID) -> None:
    from engagement.reader_jobs import finish
    from engagement.sites.merging import DOING

    def say(line: str) -> None:
        state = line.partition(":")[0]
        click.echo(f"{state}: {DOING.get(state, state)}")

    try:
        finish(settings, database, job, say)
    except KeyboardInterrupt:
        click.echo(f"The job {job} is left to the workers.", err=True)
        sys.exit(130)
