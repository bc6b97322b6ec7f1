"""Find the events of a location by time, to try a policy on them (R23)."""

from collections.abc import Sequence

from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Applies the revision."""
    op.create_index("ix_booking_events_location", "booking_events", ["location_id", "created_at", "id"])


def downgrade() -> None:
    """Takes the revision back."""
    op.drop_index("ix_booking_events_location", table_name="booking_events")
