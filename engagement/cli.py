"""The command line: `engagement serve | web | worker | migrate | verify | doctor | reader | …`."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from engagement import __version__, logs
from engagement.errors import Problem, SettingsError, StartError, Unavailable
from engagement.settings import Settings, load

if TYPE_CHECKING:
    from engagement.db.engine import Database
    from engagement.hot.connection import Hot

# What a command needs is imported in it: `serve` and `--help` shall not wait for the rest.


class Commands(click.Group):
    """Turns what went wrong on purpose into one line and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            for fault in error.faults:
                click.echo(f"engagement: {fault}", err=True)
        except StartError as error:
            click.echo(f"engagement: {error}", err=True)
        except Problem as error:
            lines = [f"{field}: {text}" for field, texts in (error.errors or {}).items() for text in texts]
            for line in lines or [str(error)]:
                click.echo(f"engagement: {line}", err=True)
        sys.exit(1)


def _data_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        default=lambda: os.environ.get("ENGAGEMENT_DATA"),
        help="The data folder of a `serve`; without it the stores are those that the settings name. "
        "[default: ENGAGEMENT_DATA]",
    )(function)


@contextmanager
def _settings(data: Path | None) -> Iterator[Settings]:
    """The settings, with the stores of a data folder up where one is named."""
    if data is None:
        try:
            settings = load()
        except SettingsError as error:
            raise SettingsError(
                [*error.faults, "or name the data folder of a `serve`: --data .data"]
            ) from error
        logs.configure(settings.log_level, settings.log_format)
        yield settings
        return
    from engagement.embedded.service import stores

    with stores(data) as settings:
        logs.configure(settings.log_level, settings.log_format)
        yield settings


@contextmanager
def _stores(data: Path | None, *, bounded: bool = True) -> Iterator[tuple[Settings, Database, Hot]]:
    """The settings and both stores. Raises `StartError` if the schema is not this release's.

    `bounded` False: a statement may take as long as it takes.
    """
    from engagement.db.ballots import StoredBallots
    from engagement.db.engine import Database
    from engagement.db.migrate import require_current
    from engagement.hot.connection import Hot

    with _settings(data) as settings:
        database = Database(settings.database_url, timeout=settings.database_timeout, bounded=bounded)
        try:
            require_current(database)
            yield settings, database, Hot.from_settings(settings, StoredBallots(database))
        finally:
            database.close()


@click.group(cls=Commands)
@click.version_option(__version__, prog_name="engagement")
def main() -> None:
    """The foot of a news article: moods, comments, votes, and counts that are right."""


@main.command()
@click.option("--host", help="The address to listen on. [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65_535), help="The port; 0: any free one. [default: 8000]")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=lambda: Path(os.environ.get("ENGAGEMENT_DATA", ".data")),
    help="Where everything is kept. [default: ENGAGEMENT_DATA, else .data]",
)
@click.option("--workers", type=click.IntRange(1, 64), help="Web processes. [default: 2]")
def serve(host: str | None, port: int | None, data: Path, workers: int | None) -> None:
    """Run everything on this machine: web, worker, a private Redis, SQLite."""
    from engagement.embedded.service import serve

    serve(data, host=host, port=port, workers=workers)


@main.command()
@click.option("--fd", type=int, help="A listening socket to take over, by its number.")
def web(fd: int | None) -> None:
    """Run the web processes on the stores that the settings name."""
    from engagement.serving import serve_web
    from engagement.vitals import require_kept_ledger

    settings = load()
    logs.configure(settings.log_level, settings.log_format)
    if fd is None:  # `serve` has looked already
        require_kept_ledger(settings)
    serve_web(settings, fd=fd)


@main.command()
def worker() -> None:
    """Run a worker on the stores that the settings name; SIGTERM drains and ends it."""
    from engagement.metrics import share_metrics

    settings = load()
    logs.configure(settings.log_level, settings.log_format)
    share_metrics(settings)  # before what follows is imported
    from engagement.db.engine import Database
    from engagement.db.migrate import require_current
    from engagement.vitals import require_kept_ledger
    from engagement.worker.loop import Worker

    with contextlib.suppress(Unavailable):  # it waits for a database that is down
        require_current(Database(settings.database_url, timeout=settings.database_timeout))
    require_kept_ledger(settings)
    Worker(settings).run()


@main.command()
@_data_option
def migrate(data: Path | None) -> None:
    """Bring the database to this release's schema."""
    from engagement.db.migrate import upgrade

    with _settings(data) as settings:
        upgrade(settings.database_url)
    click.echo("The database has this release's schema.")


@main.command()
@_data_option
@click.option("--repair", is_flag=True, help="Count again what differs, and look a second time.")
@click.option("--json", "as_json", is_flag=True, help="For a program.")
def verify(data: Path | None, repair: bool, as_json: bool) -> None:
    """Count everything again and compare; exit code 1 if anything differs.

    With --repair: if anything still differs afterwards. Both are safe while the service runs.
    """
    from engagement.verify import Totals, as_document, as_text, differences

    totals = Totals()
    with _stores(data, bounded=False) as (_, database, hot):
        found = differences(database, hot, totals, repair=repair)
        for line in as_document(found, totals) if as_json else as_text(found, totals, repaired=repair):
            click.echo(line)
    sys.exit(1 if totals.left else 0)


@main.command()
@click.argument("article")
@click.option("--site", help="[default: the only one]")
@click.option("--comments", "each", is_flag=True, help="The votes on each comment as well.")
@click.option("--json", "as_json", is_flag=True, help="For a program.")
@_data_option
def recount(article: str, site: str | None, each: bool, as_json: bool, data: Path | None) -> None:
    """Count an article's moods and votes again, and show every figure beside the others.

    What SQL has stored, what the ledger adds to it, and what Redis shows. Changes nothing; exit code 1 if
    they do not agree.
    """
    from engagement.sites.publishing import list_sites
    from engagement.sites.service import Sites
    from engagement.verify.recount import Recount
    from engagement.verify.tables import as_document, as_text

    with _stores(data, bounded=False) as (settings, database, hot):
        sites = [found.key for found in list_sites(database)]
        if site is None and len(sites) != 1:
            raise StartError(f"name the site: --site with one of {', '.join(sites) or 'none that is there'}")
        name = Sites(database, settings.secret_key, settings.tracking_parameters).article_of_text(article)
        told = Recount(database, hot, site or sites[0], name)
        for line in as_document(told, each) if as_json else as_text(told, each):
            click.echo(line)
    sys.exit(0 if told.agrees else 1)


@main.command()
@_data_option
def doctor(data: Path | None) -> None:
    """Say what is wrong with this set-up; exit code 1 if anything is."""
    from engagement.doctor import examine

    with _settings(data) as settings:
        findings = examine(settings)
    for finding in findings:
        click.echo(f"{'ok ' if finding.good else 'BAD'} {finding.text}")
    sys.exit(0 if all(finding.good for finding in findings) else 1)


@main.command()
@_data_option
def jobs(data: Path | None) -> None:
    """List the jobs that run, and those that have failed and will be tried again.

    Of each: id, kind, site, reader, state, since when it is there, and what keeps it from going on.
    """
    from engagement.reader_jobs import listed

    with _stores(data) as (_, database, _):
        for line in list(listed(database)) or ["There are no jobs."]:
            click.echo(line)


@main.group()
def reader() -> None:
    """Readers."""


@reader.command("erase")
@click.argument("reader", type=click.UUID)
@click.option("--site", help="Only a reader of this site.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@_data_option
def erase_reader(reader: UUID, site: str | None, yes: bool, data: Path | None) -> None:
    """Erase a reader: take back what they chose, empty what they wrote, forget their name.

    Threads keep their shape, with a note in place of each comment. It can't be undone. It goes on in the
    workers when this is stopped, and here where there are none.
    """
    from engagement.reader_jobs import describe, finish
    from engagement.readers.erasing import erase

    with _stores(data) as (settings, database, _):
        who = describe(database, reader, site)
        if not yes:
            click.confirm(f"Erase {who}? It can't be undone", abort=True)
        job = erase(database, reader, site)
        try:
            finish(settings, database, job, click.echo)
        except KeyboardInterrupt:
            click.echo(f"The job {job} is left to the workers.", err=True)
            sys.exit(130)
    click.echo(f"The reader {reader} is erased.")


@main.group()
def site() -> None:
    """Sites."""


ORIGIN = "Where its pages are, as often as there are such places: https://news.example"
ARTICLES = "Who may bring an article into being: any reader, only `article put`, pages with a signature."
admissions = click.Choice(["open", "known", "signed"])


@site.command("add")
@click.argument("key")
@click.option("--origin", "origins", multiple=True, required=True, help=ORIGIN)
@click.option("--name", help="[default: the key]")
@click.option("--articles", type=admissions, default="known", show_default=True, help=ARTICLES)
@_data_option
def add_site(key: str, origins: tuple[str, ...], name: str | None, articles: str, data: Path | None) -> None:
    """Add a site."""
    from engagement.sites.publishing import add_site

    with _stores(data) as (_, database, _):
        if not add_site(database, key, name=name or key, origins=origins, admission=articles):
            raise StartError(f"there is a site {key} already; change it with `site set`")
    click.echo(f"The site {key} is there.")
    if articles == "known":
        click.echo(f"Its articles open when they are known: engagement article put {key} ARTICLE")


@site.command("set")
@click.argument("key")
@click.option("--origin", "origins", multiple=True, help=f"{ORIGIN} (in place of the ones before)")
@click.option("--name")
@click.option("--articles", type=admissions, help=ARTICLES)
@_data_option
def set_site(
    key: str, origins: tuple[str, ...], name: str | None, articles: str | None, data: Path | None
) -> None:
    """Change a site."""
    from engagement.sites.publishing import change_site

    with _stores(data) as (_, database, _):
        change_site(database, key, name=name, origins=origins or None, admission=articles)
    click.echo(f"The site {key} is changed.")


@site.command("list")
@_data_option
def list_sites(data: Path | None) -> None:
    """List the sites: key, who may bring articles, name, origins."""
    from engagement.sites.publishing import list_sites

    with _stores(data) as (_, database, _):
        for found in list_sites(database):
            click.echo(f"{found.key}  {found.articles}  {found.name}  {' '.join(found.origins)}")


@site.command("signing-key")
@click.argument("key")
@_data_option
def signing_key(key: str, data: Path | None) -> None:
    """Print the key with which a `signed` site's pages sign their articles.

    The signature is the unpadded base64url of HMAC-SHA256 of the article's id with this key.
    """
    from engagement.sites.policy import signing_key
    from engagement.sites.publishing import list_sites

    with _stores(data) as (settings, database, _):
        if key not in {found.key for found in list_sites(database)}:
            raise StartError(f"there is no site {key}")
        click.echo(signing_key(settings.secret_key, key))


@main.group()
def article() -> None:
    """Articles."""


@article.command("put")
@click.argument("site")
@click.argument("article")
@click.option("--url", help="Where it is read.")
@click.option("--title")
@click.option("--comments", type=click.Choice(["open", "closed"]))
@click.option("--reactions", type=click.Choice(["open", "closed"]))
@_data_option
def put_article(
    site: str,
    article: str,
    url: str | None,
    title: str | None,
    comments: str | None,
    reactions: str | None,
    data: Path | None,
) -> None:
    """Add or change an article, as its publisher."""
    from engagement.sites.publishing import put_article
    from engagement.sites.service import Sites

    with _stores(data) as (settings, database, hot):
        name = Sites(database, settings.secret_key, settings.tracking_parameters).article_of_text(article)
        put_article(
            database,
            hot,
            site,
            name,
            url=url,
            title=title,
            comments_open=None if comments is None else comments == "open",
            reactions_open=None if reactions is None else reactions == "open",
        )
    click.echo(f"The article {name} is there.")
