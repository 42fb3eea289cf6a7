"""${message}

A migration must work while the previous release is still running: add before use, use before remove;
no column is renamed, and what is removed was not read by the release before.
"""

from alembic import op
import sqlalchemy as sa

from engagement.db.tables import Id, Utc

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
