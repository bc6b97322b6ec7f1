"""Keep codes sent to addresses, and which addresses of accounts are proven by one (A7)."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Applies the revision."""
    op.create_table(
        "one_time_codes",
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("purpose", "address", name=op.f("pk_one_time_codes")),
    )
    for name in ("email_proven", "phone_proven"):
        op.add_column("users", sa.Column(name, sa.Boolean(), server_default="true", nullable=False))


def downgrade() -> None:
    """Takes the revision back."""
    for name in ("phone_proven", "email_proven"):
        op.drop_column("users", name)
    op.drop_table("one_time_codes")
