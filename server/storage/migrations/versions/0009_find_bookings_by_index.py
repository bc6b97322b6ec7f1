"""Find bookings by index: by when they are, by code, by parts of names and notes, and those of a location that ended."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

LONG = sa.text("end_time - start_time > interval '1 day'")


def _parts_of_words(name: str, table: str, *columns: str, where: sa.TextClause | None = None) -> None:
    ops = dict.fromkeys(columns, "gin_trgm_ops")
    op.create_index(
        name, table, list(columns), postgresql_using="gin", postgresql_ops=ops, postgresql_where=where
    )


def upgrade() -> None:
    """Applies the revision."""
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_index("ix_bookings_long", "bookings", ["end_time"], postgresql_where=LONG)
    op.create_index("ix_bookings_code", "bookings", ["code"])
    op.create_index(
        "ix_bookings_location_confirmed",
        "bookings",
        ["location_id", "end_time"],
        postgresql_where=sa.text("status = 'confirmed'"),
    )
    _parts_of_words("ix_bookings_note", "bookings", "note", where=sa.text("note IS NOT NULL"))
    _parts_of_words("ix_users_search", "users", "name", "email", "phone")
    _parts_of_words("ix_visitors_search", "visitors", "name", "phone")
    op.execute("CREATE STATISTICS bookings_length ON (end_time - start_time) FROM bookings")
    op.execute("ANALYZE bookings")


def downgrade() -> None:
    """Takes the revision back."""
    op.execute("DROP STATISTICS bookings_length")
    op.drop_index("ix_visitors_search", table_name="visitors")
    op.drop_index("ix_users_search", table_name="users")
    op.drop_index("ix_bookings_note", table_name="bookings")
    op.drop_index("ix_bookings_location_confirmed", table_name="bookings")
    op.drop_index("ix_bookings_code", table_name="bookings")
    op.drop_index("ix_bookings_long", table_name="bookings")
