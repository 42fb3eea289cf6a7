"""`engagement log`: is the moderation log as it was written?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from engagement.cli.shared import data_option, open_stores
from engagement.errors import StartError


@click.group("log")
def moderation_log() -> None:
    """The moderation log: each entry sealed with the one before."""


@moderation_log.command()
@click.option(
    "--head", "given", multiple=True, metavar="NUMBER:MAC", help="A head that was told; it must be there."
)
@data_option
def verify(given: tuple[str, ...], data: Path | None) -> None:
    """Look through the whole log; exit code 1 if an entry was changed, is missing, or the end was cut off.

    That the end was cut off shows against a head that was told: by `log head`, in the service's own log
    ("moderation log head"), or in the file that ENGAGEMENT_MODERATION_LOG_HEADS names, which is looked
    through as well.
    """
    from engagement.moderation.log.service import Head, ModerationLog, head_of

    try:
        heads = [Head.parse(text) for text in given]
    except ValueError as error:
        raise click.UsageError(f"--head {error}") from error
    with open_stores(data, bounded=False) as (settings, database, _):
        log = ModerationLog(settings.secret_key, settings.moderation_log_heads)
        try:
            heads += log.told()
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            raise StartError(
                f"the heads in {settings.moderation_log_heads} can't be read: {error}"
            ) from error
        found = 0
        with database.read() as connection:
            for fault in log.verify(connection, heads):
                found += 1
                click.echo(fault)
            number = head_of(connection).number
    if not found:
        click.echo(f"The log is as it was written: {number} entries.")
    sys.exit(1 if found else 0)


@moderation_log.command()
@data_option
def head(data: Path | None) -> None:
    """Print number and seal of the last entry. Kept elsewhere, it shows when the end is cut off."""
    from engagement.moderation.log.service import head_of

    with open_stores(data) as (_, database, _hot), database.read() as connection:
        click.echo(head_of(connection))
