"""`engagement site …`: the sites of publishers."""

from __future__ import annotations

from pathlib import Path

import click

from engagement.cli.shared import data_option, open_stores
from engagement.errors import StartError


@click.group()
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
@data_option
def add_site(key: str, origins: tuple[str, ...], name: str | None, articles: str, data: Path | None) -> None:
    """Add a site."""
    from engagement.sites.publishing import add_site

    with open_stores(data) as (_, database, _):
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
@data_option
def set_site(
    key: str, origins: tuple[str, ...], name: str | None, articles: str | None, data: Path | None
) -> None:
    """Change a site."""
    from engagement.sites.publishing import change_site

    with open_stores(data) as (_, database, _):
        change_site(database, key, name=name, origins=origins or None, admission=articles)
    click.echo(f"The site {key} is changed.")


@site.command("list")
@data_option
def list_sites(data: Path | None) -> None:
    """List the sites: key, who may bring articles, name, origins."""
    from engagement.sites.publishing import list_sites

    with open_stores(data) as (_, database, _):
        for found in list_sites(database):
            click.echo(f"{found.key}  {found.articles}  {found.name}  {' '.join(found.origins)}")


@site.command("signing-key")
@click.argument("key")
@data_option
def signing_key(key: str, data: Path | None) -> None:
    """Print the key with which a `signed` site's pages sign their articles.

    The signature is the unpadded base64url of HMAC-SHA256 of the article's id with this key.
    """
    from engagement.sites.policy import signing_key
    from engagement.sites.publishing import list_sites

    with open_stores(data) as (settings, database, _):
        if key not in {found.key for found in list_sites(database)}:
            raise StartError(f"there is no site {key}")
        click.echo(signing_key(settings.secret_key, key))
