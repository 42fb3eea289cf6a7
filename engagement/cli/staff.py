"""`engagement token … | issuer …`: what the staff, back ends and readers come in with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from uuid import UUID

import click

from engagement.cli.shared import data_option, open_stores

if TYPE_CHECKING:
    from engagement.db.engine import Database
    from engagement.moderation.log.service import ModerationLog
    from engagement.settings import Settings
    from engagement.staff.sign_on_issuers import SignOnIssuers

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

    with open_stores(data) as (settings, database, _):
        text, _ = Staff(database, _log(settings)).make_token(
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

    with open_stores(data) as (settings, database, _):
        Staff(database, _log(settings)).revoke_token(None, None, token)
    click.echo(f"The token {token} is revoked.")


@click.group()
def issuer() -> None:
    """Single sign-on: who vouches for readers and staff."""


@issuer.command("add")
@click.argument("site")
@click.argument("issuer")
@click.option("--audience", required=True, help="What `aud` must name.")
@click.option("--algorithm", required=True, help="HS256, RS256, ES256 or EdDSA: no other is taken.")
@click.option("--secret-file", type=click.File(), help="Of HS256; - for standard input.")
@click.option("--jwks", "jwks_url", help="Where the public keys of the other algorithms are.")
@click.option("--skew", type=int, default=60, show_default=True, help="Seconds by which clocks may differ.")
@click.option("--staff", "for_staff", is_flag=True, help="They may name `roles`: admin, moderator, service.")
@data_option
def add_issuer(
    site: str,
    issuer: str,
    audience: str,
    algorithm: str,
    secret_file: TextIO | None,
    jwks_url: str | None,
    skew: int,
    for_staff: bool,
    data: Path | None,
) -> None:
    """Take the tokens of an issuer, named as `iss` names it."""
    with open_stores(data) as (settings, database, _):
        added = _issuers(settings, database).add(
            None,
            site,
            issuer=issuer,
            audience=audience,
            algorithm=algorithm,
            secret=None if secret_file is None else secret_file.read().strip(),
            jwks_url=jwks_url,
            skew=skew,
            for_staff=for_staff,
        )
    click.echo(f"The issuer {added.id} is there.")


@issuer.command("list")
@click.argument("site", required=False)
@data_option
def list_issuers(site: str | None, data: Path | None) -> None:
    """List the issuers of a site, or of all.

    Of each: id, site, algorithm, for whom, since when, whether it is disabled, `iss`.
    """
    from engagement import clock

    with open_stores(data) as (settings, database, _):
        for each in _issuers(settings, database).all(site):
            whom = "staff" if each.for_staff else "readers"
            state = f"disabled {clock.rfc3339(each.disabled_at)}" if each.disabled_at else "good"
            since = f"since {clock.rfc3339(each.created_at)}"
            click.echo(f"{each.id}  {each.site}  {each.algorithm}  {whom}  {since}  {state}  {each.issuer}")


@issuer.command("disable")
@click.argument("issuer", type=click.UUID)
@data_option
def disable_issuer(issuer: UUID, data: Path | None) -> None:
    """Refuse an issuer's tokens, by the id that `issuer list` shows: within a second, everywhere."""
    with open_stores(data) as (settings, database, _):
        _issuers(settings, database).disable(None, None, issuer)
    click.echo(f"The issuer {issuer} is disabled.")


def _issuers(settings: Settings, database: Database) -> SignOnIssuers:
    from engagement.fetching import Fetcher
    from engagement.sso.issuers import Issuers
    from engagement.staff.sign_on_issuers import SignOnIssuers

    return SignOnIssuers(database, Issuers(database, Fetcher(settings), settings.secret_key), _log(settings))


def _log(settings: Settings) -> ModerationLog:
    from engagement.moderation.log.service import ModerationLog

    return ModerationLog(settings.secret_key, settings.moderation_log_heads)
