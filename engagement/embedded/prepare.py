"""`python -m engagement.embedded.prepare`: bring the database of `serve` to this release, with its demo site.

A process of its own, because what it imports is large and needed for a moment only. It says why it failed in
one line on standard output; the database is the one that `ENGAGEMENT_DATABASE_URL`, or a file, names.
"""

from __future__ import annotations

import sys

from sqlalchemy.exc import SQLAlchemyError

from engagement.db.migrate import upgrade
from engagement.errors import EngagementError
from engagement.settings import load
from engagement.sites.publishing import add_demo_site


def main() -> None:
    """Prepare it; exit code 1 if that fails."""
    url = load().database_url
    try:
        upgrade(url)
        add_demo_site(url)
    except (SQLAlchemyError, EngagementError) as error:
        reason = str(getattr(error, "orig", None) or error)
        sys.stdout.write(reason.splitlines()[0] if reason else type(error).__name__)
        sys.exit(1)


if __name__ == "__main__":
    main()
