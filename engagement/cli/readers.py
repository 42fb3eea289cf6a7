"""`engagement reader … | jobs`: what is done for one reader, and how far it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO
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
@click.argument("reader", type=click.UUID, required=False)
@click.option("--site", help="Only a reader of this site.")
@click.option("--from", "file", type=click.File(), help="Those of a file that `reader erased` has written.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@data_option
def erase_reader(
    reader: UUID | None, site: str | None, file: TextIO | None, yes: bool, data: Path | None
) -> None:
    """Erase a reader: take back what they chose, empty what they wrote, forget their name.

    Threads keep their shape, with a note in place of each comment. It can't be undone. It goes on in the
    workers when this is stopped, and here where there are none.

    With --from: all who were erased by then, and whom a backup that was restored has brought back.
    """
    from engagement.reader_jobs import describe, erase_again, finish
    from engagement.readers.erasing import erase

    if (reader is None) == (file is None):
        raise click.UsageError("Name a reader, or a file: --from FILE")
    with open_stores(data) as (settings, database, _):
        if reader is not None:
            who = describe(database, reader, site)
            if not yes:
                click.confirm(f"Erase {who}? It can't be undone", abort=True)
            begun: list[UUID | str] = [erase(database, reader, site)]
        elif file is not None:
            if not yes:
                click.confirm(f"Erase the readers of {file.name}? It can't be undone", abort=True)
            begun = list(erase_again(database, file))
        found = [job for job in begun if isinstance(job, UUID)]
        for job in found:
            try:
                finish(settings, database, job, click.echo)
            except KeyboardInterrupt:
                click.echo(f"The job {job} is left to the workers.", err=True)
                sys.exit(130)
    if reader is not None:
        click.echo(f"The reader {reader} is erased.")
    else:
        click.echo(f"Erased: {len(found)}. Erased before, or not there: {len(begun) - len(found)}.")


@reader.command("erased")
@click.option("--export", "file", type=click.File("w", atomic=True), default="-", help="Where to write it.")
@data_option
def erased_readers(file: TextIO, data: Path | None) -> None:
    """List the readers who were erased: id, site, since when. Nothing else is known of them.

    Keep the list where the backups are not: with it, `reader erase --from` erases again whom a restored
    backup brings back.
    """
    from engagement.reader_jobs import erased

    with open_stores(data) as (_, database, _):
        file.writelines(f"{line}\n" for line in erased(database))
