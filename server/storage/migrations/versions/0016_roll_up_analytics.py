"""Roll up analytics: figures by day, resource and hour, and a mark with every change of bookings of what to roll up anew."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
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

# What of a row any figure depends on; NULL is for what counts in none.
COUNTED = """
CASE WHEN {0}.status IN ('confirmed', 'completed', 'no_show', 'cancelled') THEN ROW(
    {0}.location_id, {0}.resource_id, {0}.type = 'CUSTOMER', {0}.start_time, {0}.end_time,
    {0}.created_at, {0}.attended_at IS NOT NULL, replace({0}.status, 'completed', 'confirmed'),
    CASE WHEN {0}.status = 'cancelled' THEN {0}.updated_at END,
    CASE WHEN {0}.status = 'cancelled' THEN {0}.user_id END
) END
"""

MARK = """
INSERT INTO analytics_marks (location_id, starts_at, ends_at)
SELECT location_id, min(start_time), max(end_time) FROM {0}
WHERE status IN ('confirmed', 'completed', 'no_show', 'cancelled')
GROUP BY location_id, date_bin('1 day', start_time, timestamptz 'epoch'), end_time - start_time > interval '1 day'
"""


def upgrade() -> None:
    """Applies the revision."""
    for table, parts in (
        ("analytics_days", []),
        ("analytics_resource_days", ["resource_id"]),
    ):
        op.create_table(
            table,
            *(sa.Column(name, sa.Integer(), nullable=False) for name in FIGURES),
            sa.Column("lead_seconds", sa.BigInteger(), nullable=False),
            sa.Column("location_id", sa.Integer(), nullable=False, autoincrement=False),
            sa.Column("day", sa.Date(), nullable=False),
            *(sa.Column(part, sa.Integer(), nullable=False, autoincrement=False) for part in parts),
            sa.PrimaryKeyConstraint("location_id", "day", *parts, name=f"pk_{table}"),
        )
    op.add_column("analytics_days", sa.Column("by_hour", sa.Numeric(), nullable=False))
    op.create_table(
        "analytics_marks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_analytics_marks"),
    )
    op.create_index("ix_analytics_marks_location", "analytics_marks", ["location_id", "starts_at"])
    op.create_table(
        "analytics_locations",
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("opening", sa.LargeBinary(), nullable=False),
        sa.Column("config_version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name="fk_analytics_locations_location_id"),
        sa.PrimaryKeyConstraint("location_id", name="pk_analytics_locations"),
    )
    op.execute(
        f"""
        CREATE FUNCTION mark_analytics() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                {MARK.format("after")};
            ELSIF TG_OP = 'DELETE' THEN
                {MARK.format("before")};
            ELSE
                WITH changed AS (
                    SELECT x.*
                    FROM before b JOIN after a USING (id)
                    CROSS JOIN LATERAL (VALUES (b.location_id, b.start_time, b.end_time, b.status),
                                               (a.location_id, a.start_time, a.end_time, a.status))
                        AS x(location_id, start_time, end_time, status)
                    WHERE {COUNTED.format("b")} IS DISTINCT FROM {COUNTED.format("a")}
                )
                {MARK.format("changed")};
            END IF;
            RETURN NULL;
        END $$
        """  # noqa: S608 -- of constants alone
    )
    for event, tables in (
        ("INSERT", "NEW TABLE AS after"),
        ("UPDATE", "OLD TABLE AS before NEW TABLE AS after"),
        ("DELETE", "OLD TABLE AS before"),
    ):
        op.execute(
            f"CREATE TRIGGER mark_analytics_{event.lower()} AFTER {event} ON bookings REFERENCING {tables} "
            "FOR EACH STATEMENT EXECUTE FUNCTION mark_analytics()"
        )
    op.execute(MARK.format("bookings"))


def downgrade() -> None:
    """Takes the revision back."""
    for event in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER mark_analytics_{event} ON bookings")
    op.execute("DROP FUNCTION mark_analytics()")
    op.drop_table("analytics_locations")
    op.drop_table("analytics_marks")
    op.drop_table("analytics_resource_days")
    op.drop_table("analytics_days")
