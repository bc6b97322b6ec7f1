"""Keep insights, with what they cost and what was decided of them (C2)."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Applies the revision."""
    op.create_table(
        "insights",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("location_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("subject", JSONB(), nullable=False),
        sa.Column("figures", JSONB(), nullable=False),
        sa.Column("meanings", JSONB(), nullable=False),
        sa.Column("answer", JSONB(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("prompt_version", sa.Text(), nullable=False),
        sa.Column("input_digest", sa.Text(), nullable=False),
        sa.Column("input_tokens", sa.Integer(), nullable=True),
        sa.Column("output_tokens", sa.Integer(), nullable=True),
        sa.Column("cost_millionths", sa.BigInteger(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decision_note", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'answered') = (answer IS NOT NULL)", name=op.f("ck_insights_answer")),
        sa.CheckConstraint("decision IN ('accepted', 'dismissed')", name=op.f("ck_insights_decision")),
        sa.CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name=op.f("ck_insights_decided")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_insights_location_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_insights_user_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_insights_decided_by")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_insights_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_insights")),
    )
    op.create_index("ix_insights_input_digest", "insights", ["input_digest"])
    op.create_index("ix_insights_location", "insights", ["location_id", "id"])
    op.create_index("ix_insights_user", "insights", ["user_id", "id"])


def downgrade() -> None:
    """Takes the revision back."""
    op.drop_table("insights")
