"""`engagement admin-link`: the way into the moderators' console for who holds the machine."""

from __future__ import annotations

from pathlib import Path

import click

from engagement.cli.shared import data_option, open_stores
from engagement.errors import StartError
from engagement.settings import Settings

roles = click.Choice(["owner", "admin", "moderator"])


@click.command("admin-link")
@click.option("--site", help="The site that it is for. [default: every site, for an owner]")
@click.option("--role", type=roles, help="[default: owner; with --site: admin]")
@click.option("--name", help="Who comes in, as the log and other moderators see it. [default: the role]")
@click.option("--address", help="Where the console is. [default: ENGAGEMENT_PUBLIC_URL, else this machine]")
@data_option
def admin_link(
    site: str | None, role: str | None, name: str | None, address: str | None, data: Path | None
) -> None:
    """Print a link into the moderators' console; it works once, within 10 minutes.

    Give people names: an appeal is decided by somebody else than who decided first.
    """
    from engagement.console.links import Links
    from engagement.sites.publishing import list_sites
    from engagement.staff.service import Staff

    role = role or ("admin" if site else "owner")
    if (role == "owner") != (site is None):
        raise click.UsageError("An owner is of every site, and every other role of one: --site SITE")
    with open_stores(data) as (settings, database, _):
        if site is not None and site not in {found.key for found in list_sites(database)}:
            raise StartError(f"there is no site {site}")
        member = Staff(database).named(site, role, name or role.capitalize())
        link = Links(database).make(member.id)
        where = address or settings.public_url or _address(data, settings)
    click.echo(f"{where.rstrip('/')}/moderate/link?token={link}")


def _address(data: Path | None, settings: Settings) -> str:
    """That of the `serve` of this data folder, else what the settings name."""
    from engagement.embedded.folder import paths_for

    if data is not None and paths_for(data).address.exists():
        return paths_for(data).address.read_text()
    return f"http://{settings.host}:{settings.port}"
