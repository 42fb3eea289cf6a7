"""The command line: `engagement serve | web | worker | migrate | verify | doctor | reader | …`.

What a command needs is imported in it: `serve` and `--help` shall not wait for the rest.
"""

from __future__ import annotations

import click

from engagement import __version__
from engagement.cli.articles import article
from engagement.cli.audit import recount, verify
from engagement.cli.console import admin_link
from engagement.cli.log import moderation_log
from engagement.cli.processes import doctor, migrate, serve, web, worker
from engagement.cli.publishing import site
from engagement.cli.readers import jobs, reader
from engagement.cli.shared import Commands
from engagement.cli.staff import issuer, token


@click.group(cls=Commands)
@click.version_option(__version__, prog_name="engagement")
def main() -> None:
    """The foot of a news article: moods, comments, votes, and counts that are right."""


for command in (
    serve,
    web,
    worker,
    migrate,
    verify,
    recount,
    doctor,
    reader,
    jobs,
    site,
    article,
    admin_link,
    token,
    issuer,
    moderation_log,
):
    main.add_command(command)
