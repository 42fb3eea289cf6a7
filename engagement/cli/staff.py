"""`engagement token …`: what the staff and back ends come in with."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click

from engagement.cli.shared import data_option, open_stores

EVERY_SITE = "*"


@click.group()
def token() -> None:
    """API tokens of the staff."""


@token.command("add")
@click.argument("site")
@click.option("--role", required=True, help="owner (of all sites, named *), admin, moderator or service.")
@click.option("--name", help="Whose it is, or what for. [default: the role]")
@click.option("--scope", "scopes", multiple=True, help="Only this, of what the role may; as often as needed.")
@click.option("--expires", "days", type=int, metavar="DAYS", help="[default: it doesn't]")
@data_option
def add_token(
    site: str, role: str, name: str | None, scopes: tuple[str, ...], days: int | None, data: Path | None
) -> None:
    """Make a token and print it, alone; it is not kept, and can't be told again."""
    from engagement.staff.service import Staff

    with open_stores(data) as (_, database, _):
        text, _ = Staff(database).make_token(
            None,
            None if site == EVERY_SITE else site,
            role=role,
            name=name or role,
            scopes=scopes,
            days=days,
        )
    click.echo(text)


@token.command("list")
@click.argument("site", required=False)
@data_option
def list_tokens(site: str | None, data: Path | None) -> None:
    """List the tokens of a site, with those that are good on every site; or all.

    Of each: id, site, role, what it is confined to, since when, until when, when it was used, name.
    """
    from engagement import clock
    from engagement.staff.service import Staff

    with open_stores(data) as (_, database, _):
        staff = Staff(database)
        site = None if site == EVERY_SITE else site
        cursor: str | None = None
        begun = False
        while cursor is not None or not begun:
            begun = True
            found, cursor = staff.list_tokens(site, everywhere=True, cursor=cursor)
            for each in found:
                ends = "for good" if each.expires_at is None else f"until {clock.rfc3339(each.expires_at)}"
                if each.revoked_at is not None:
                    ends = f"revoked {clock.rfc3339(each.revoked_at)}"
                used = "never used"
                if each.last_used_at is not None:
                    used = f"used {clock.rfc3339(each.last_used_at)}"
                scopes = ",".join(each.scopes) or "all"
                since = f"since {clock.rfc3339(each.created_at)}"
                where = each.site or EVERY_SITE
                click.echo(f"{each.id}  {where}  {each.role}  {scopes}  {since}  {ends}  {used}  {each.name}")


@token.command("revoke")
@click.argument("token", type=click.UUID)
@data_option
def revoke_token(token: UUID, data: Path | None) -> None:
    """Revoke a token, by the id that `token list` shows: every process refuses it within a second."""
    from engagement.staff.service import Staff

    with open_stores(data) as (_, database, _):
        Staff(database).revoke_token(None, None, token)
    click.echo(f"The token {token} is revoked.")
