"""Where in the picture evidence is seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; what was indexed before has no region until it is read again."""
    op.add_column("evidence", sa.Column("region", sa.JSON))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("evidence", "region")
