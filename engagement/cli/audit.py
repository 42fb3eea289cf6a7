"""`engagement verify | recount`: every count, counted again."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from engagement.cli.shared import data_option, open_stores
from engagement.errors import StartError


@click.command()
@data_option
@click.option("--repair", is_flag=True, help="Count again what differs, and look a second time.")
@click.option("--json", "as_json", is_flag=True, help="For a program.")
def verify(data: Path | None, repair: bool, as_json: bool) -> None:
    """Count everything again and compare; exit code 1 if anything differs.

    With --repair: if anything still differs afterwards. Both are safe while the service runs.
    """
    from engagement.verify import Totals, as_document, as_text, differences

    totals = Totals()
    with open_stores(data, bounded=False) as (_, database, hot):
        found = differences(database, hot, totals, repair=repair)
        for line in as_document(found, totals) if as_json else as_text(found, totals, repaired=repair):
            click.echo(line)
    sys.exit(1 if totals.left else 0)


@click.command()
@click.argument("article")
@click.option("--site", help="[default: the only one]")
@click.option("--comments", "each", is_flag=True, help="The votes on each comment as well.")
@click.option("--json", "as_json", is_flag=True, help="For a program.")
@data_option
def recount(article: str, site: str | None, each: bool, as_json: bool, data: Path | None) -> None:
    """Count an article's moods and votes again, and show every figure beside the others.

    What SQL has stored, what the ledger adds to it, and what Redis shows. Changes nothing; exit code 1 if
    they do not agree.
    """
    from engagement.sites.publishing import list_sites
    from engagement.sites.service import Sites
    from engagement.verify.recount import Recount
    from engagement.verify.tables import as_document, as_text

    with open_stores(data, bounded=False) as (settings, database, hot):
        sites = [found.key for found in list_sites(database)]
        if site is None and len(sites) != 1:
            raise StartError(f"name the site: --site with one of {', '.join(sites) or 'none that is there'}")
        name = Sites(database, settings.secret_key, settings.tracking_parameters).article_of_text(article)
        told = Recount(database, hot, site or sites[0], name)
        for line in as_document(told, each) if as_json else as_text(told, each):
            click.echo(line)
    sys.exit(0 if told.agrees else 1)
