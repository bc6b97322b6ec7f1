"""Keep what series of blocks want, and which occurrence a block is a piece of (B2, B6)."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TYPES = "type IN ('CUSTOMER', 'MAINTENANCE', 'TRAINING', 'PRIVATE_EVENT', 'BLOCKED')"


def upgrade() -> None:
    """Applies the revision."""
    op.create_table(
        "series",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recurrence", sa.Text(), nullable=True),
        sa.Column("start_wall", sa.DateTime(), nullable=False),
        sa.Column("end_wall", sa.DateTime(), nullable=False),
        sa.Column("resource_ids", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("type <> 'CUSTOMER'", name=op.f("ck_series_block")),
        sa.CheckConstraint(TYPES, name=op.f("ck_series_type")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_series_created_by")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_series_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
    )
    op.create_index("ix_series_location_start", "series", ["location_id", "start_wall", "id"], unique=False)
    op.create_index("ix_series_start", "series", ["start_wall", "id"], unique=False)
    op.create_table(
        "series_occurrences",
        sa.Column("series_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("start_wall", sa.DateTime(), nullable=False),
        sa.Column("end_wall", sa.DateTime(), nullable=False),
        sa.Column("resource_ids", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.CheckConstraint("type <> 'CUSTOMER'", name=op.f("ck_series_occurrences_block")),
        sa.CheckConstraint(TYPES, name=op.f("ck_series_occurrences_type")),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_series_occurrences_series_id")),
        sa.PrimaryKeyConstraint("series_id", "number", name=op.f("pk_series_occurrences")),
    )
    op.add_column("bookings", sa.Column("occurrence", sa.Integer(), nullable=True))
    op.create_check_constraint(
        op.f("ck_bookings_occurrence"), "bookings", "occurrence IS NULL OR series_id IS NOT NULL"
    )


def downgrade() -> None:
    """Takes it back."""
    op.drop_constraint(op.f("ck_bookings_occurrence"), "bookings", type_="check")
    op.drop_column("bookings", "occurrence")
    op.drop_table("series_occurrences")
    op.drop_index("ix_series_start", table_name="series")
    op.drop_index("ix_series_location_start", table_name="series")
    op.drop_table("series")
