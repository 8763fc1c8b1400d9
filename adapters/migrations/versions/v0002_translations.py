"""What evidence says in English."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; what was indexed before has no translation."""
    op.add_column("evidence", sa.Column("translation", sa.Text))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("evidence", "translation")
