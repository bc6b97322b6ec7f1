"""Keep what is rolled up of a day's resources in one row, and have all of it rolled up afresh."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

FIGURES = (
    "booked_seconds",
    "no_show_seconds",
    "blocked_seconds",
    "block_seconds",
    "bookings",
    "no_shows",
    "attended",
    "cancellations",
    "late_cancellations",
    "own_cancellations",
)


def upgrade() -> None:
    """Applies the revision."""
    op.drop_table("analytics_resource_days")
    op.create_table(
        "analytics_resource_days",
        sa.Column("location_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("resource_ids", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("by_resource", sa.Numeric(), nullable=False),
        sa.PrimaryKeyConstraint("location_id", "day", name="pk_analytics_resource_days"),
    )
    # Long numbers stay in their rows: to fetch them from elsewhere takes longer than to add them up.
    op.execute("ALTER TABLE analytics_resource_days SET (toast_tuple_target = 8160)")
    _roll_up_afresh()


def downgrade() -> None:
    """Takes the revision back."""
    op.drop_table("analytics_resource_days")
    op.create_table(
        "analytics_resource_days",
        *(sa.Column(name, sa.Integer(), nullable=False) for name in FIGURES),
        sa.Column("lead_seconds", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("location_id", "day", "resource_id", name="pk_analytics_resource_days"),
    )
    _roll_up_afresh()


def _roll_up_afresh() -> None:
    op.execute("DELETE FROM analytics_days")
    op.execute(
        """
        INSERT INTO analytics_marks (location_id, starts_at, ends_at)
        SELECT location_id, min(start_time), max(end_time) FROM bookings
        WHERE status IN ('confirmed', 'completed', 'no_show', 'cancelled')
        GROUP BY location_id, date_bin('1 day', start_time, timestamptz 'epoch'), end_time - start_time > interval '1 day'
        """
    )
