"""Create the devices: kiosks, their pairing codes and their tokens (K1)."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Applies the revision."""
    op.create_table(
        "devices",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("pairing_hash", sa.LargeBinary(), nullable=True),
        sa.Column("pairing_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("paired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(pairing_hash IS NULL) = (pairing_expires_at IS NULL)", name=op.f("ck_devices_pairing")
        ),
        sa.CheckConstraint(
            "revoked_at IS NULL OR (pairing_hash IS NULL AND token_hash IS NULL)",
            name=op.f("ck_devices_revoked"),
        ),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_devices_location_id")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_devices_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
    )
    op.create_index("ix_devices_location_id", "devices", ["location_id"], unique=False)
    op.create_index(
        "uq_devices_pairing_hash",
        "devices",
        ["pairing_hash"],
        unique=True,
        postgresql_where=sa.text("pairing_hash IS NOT NULL"),
    )
    op.create_index(
        "uq_devices_token_hash",
        "devices",
        ["token_hash"],
        unique=True,
        postgresql_where=sa.text("token_hash IS NOT NULL"),
    )


def downgrade() -> None:
    """Takes the revision back."""
    op.drop_table("devices")
