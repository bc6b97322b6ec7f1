"""Keep what support asked of customers, by thread (X1)."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Applies the revision."""
    op.create_table(
        "context_threads",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("last_asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_context_threads")),
    )
    op.create_index("ix_context_threads_last_asked_at", "context_threads", ["last_asked_at", "id"])
    op.create_table(
        "context_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("thread_id", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Integer(), nullable=True),
        sa.Column("asked_as", sa.Text(), nullable=False),
        sa.Column("asked", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["asked_by"], ["users.id"], name=op.f("fk_context_entries_asked_by")),
        sa.ForeignKeyConstraint(["customer_id"], ["users.id"], name=op.f("fk_context_entries_customer_id")),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["context_threads.id"], name=op.f("fk_context_entries_thread_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_context_entries")),
    )
    op.create_index("ix_context_entries_thread_id", "context_entries", ["thread_id", "id"])
    op.create_index("ix_context_entries_created_at", "context_entries", ["created_at"])


def downgrade() -> None:
    """Takes it back."""
    op.drop_table("context_entries")
    op.drop_table("context_threads")
