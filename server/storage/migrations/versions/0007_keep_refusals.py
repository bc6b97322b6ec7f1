"""Keep what the rules refused, day by day, to count patterns from (R22)."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Applies the revision."""
    op.create_table(
        "refusals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("start_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("minute_of_week", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("codes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("context", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("first_refused_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_refused_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("subject IN ('customer', 'visitor', 'nobody')", name=op.f("ck_refusals_subject")),
        sa.CheckConstraint("(subject = 'customer') = (user_id IS NOT NULL)", name=op.f("ck_refusals_user")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_refusals_location_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_refusals_user_id")),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name=op.f("fk_refusals_resource_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refusals")),
    )
    op.create_index(
        "uq_refusals_asked",
        "refusals",
        [
            "location_id",
            "day",
            "user_id",
            "subject",
            "resource_id",
            "start_time",
            "end_time",
            "action",
            "role",
            "codes",
        ],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_index(
        "ix_refusals_user", "refusals", ["user_id", "day"], postgresql_where=sa.text("user_id IS NOT NULL")
    )
    op.create_index("ix_refusals_day", "refusals", ["day"])


def downgrade() -> None:
    """Takes the revision back."""
    op.drop_table("refusals")
