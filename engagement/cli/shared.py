"""What the commands share: faults as one line, the data folder, settings and stores."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engagement import logs
from engagement.errors import Problem, SettingsError, StartError
from engagement.settings import Settings, load

if TYPE_CHECKING:
    from engagement.db.engine import Database
    from engagement.hot.connection import Hot


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


def data_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """The option that names the data folder of a `serve`."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        default=lambda: os.environ.get("ENGAGEMENT_DATA"),
        help="The data folder of a `serve`; without it the stores are those that the settings name. "
        "[default: ENGAGEMENT_DATA]",
    )(function)


@contextmanager
def open_settings(data: Path | None) -> Iterator[Settings]:
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
def open_stores(data: Path | None, *, bounded: bool = True) -> Iterator[tuple[Settings, Database, Hot]]:
    """The settings and both stores. Raises `StartError` if the schema is not this release's.

    `bounded` False: a statement may take as long as it takes.
    """
    from engagement.db.ballots import StoredBallots
    from engagement.db.engine import Database
    from engagement.db.migrate import require_current
    from engagement.hot.connection import Hot

    with open_settings(data) as settings:
        database = Database(settings.database_url, timeout=settings.database_timeout, bounded=bounded)
        try:
            require_current(database)
            yield settings, database, Hot.from_settings(settings, StoredBallots(database))
        finally:
            database.close()
