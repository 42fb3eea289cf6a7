"""`engagement reader … | jobs`: what is done for one reader, and how far it is."""

from __future__ import annotations

import sys
from pathlib import Path
from uuid import UUID

import click

from engagement.cli.shared import data_option, open_stores


@click.command()
@data_option
def jobs(data: Path | None) -> None:
    """List the jobs that run, and those that have failed and will be tried again.

    Of each: id, kind, site, reader, state, since when it is there, and what keeps it from going on.
    """
    from engagement.reader_jobs import listed

    with open_stores(data) as (_, database, _):
        for line in list(listed(database)) or ["There are no jobs."]:
            click.echo(line)


@click.group()
def reader() -> None:
    """Readers."""


@reader.command("erase")
@click.argument("reader", type=click.UUID)
@click.option("--site", help="Only a reader of this site.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@data_option
def erase_reader(reader: UUID, site: str | None, yes: bool, data: Path | None) -> None:
    """Erase a reader: take back what they chose, empty what they wrote, forget their name.

    Threads keep their shape, with a note in place of each comment. It can't be undone. It goes on in the
    workers when this is stopped, and here where there are none.
    """
    from engagement.reader_jobs import describe, finish
    from engagement.readers.erasing import erase

    with open_stores(data) as (settings, database, _):
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
