"""Keep what imported bookings go by where they come from, so that an import can be run again."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Applies the revision."""
    op.create_table(
        "booking_origins",
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_booking_origins_booking_id")),
        sa.ForeignKeyConstraint(
            ["location_id"], ["locations.id"], name=op.f("fk_booking_origins_location_id")
        ),
        sa.PrimaryKeyConstraint("location_id", "external_id", name=op.f("pk_booking_origins")),
    )
    op.create_index(op.f("ix_booking_origins_booking_id"), "booking_origins", ["booking_id"])


def downgrade() -> None:
    """Takes the revision back."""
    op.drop_table("booking_origins")
