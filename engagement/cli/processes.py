"""`engagement serve | web | worker | migrate | doctor`: what is run, and what it runs on."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import click

from engagement import logs
from engagement.cli.shared import data_option, open_settings
from engagement.errors import Unavailable
from engagement.settings import load


@click.command()
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


@click.command()
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


@click.command()
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


@click.command()
@data_option
def migrate(data: Path | None) -> None:
    """Bring the database to this release's schema."""
    from engagement.db.migrate import upgrade

    with open_settings(data) as settings:
        upgrade(settings.database_url)
    click.echo("The database has this release's schema.")


@click.command()
@data_option
def doctor(data: Path | None) -> None:
    """Say what is wrong with this set-up; exit code 1 if anything is."""
    from engagement.doctor import examine

    with open_settings(data) as settings:
        findings = examine(settings)
    for finding in findings:
        click.echo(f"{'ok ' if finding.good else 'BAD'} {finding.text}")
    sys.exit(0 if all(finding.good for finding in findings) else 1)
