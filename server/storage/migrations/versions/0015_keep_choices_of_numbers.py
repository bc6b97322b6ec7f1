"""Keep which numbers want no texts, and find messages by their providers' ids (N4, N5)."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Applies the revision."""
    op.create_table(
        "sms_choices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("choice IN ('stop', 'start')", name=op.f("ck_sms_choices_choice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sms_choices")),
    )
    op.create_index("ix_sms_choices_phone", "sms_choices", ["phone", "id"])
    op.create_index("uq_sms_choices_message_id", "sms_choices", ["message_id"], unique=True)
    op.create_index(
        "uq_notifications_provider_id",
        "notifications",
        ["provider_id"],
        unique=True,
        postgresql_where=sa.text("provider_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Takes the revision back."""
    op.drop_index(
        "uq_notifications_provider_id",
        table_name="notifications",
        postgresql_where=sa.text("provider_id IS NOT NULL"),
    )
    op.drop_table("sms_choices")
