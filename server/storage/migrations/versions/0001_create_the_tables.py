"""Create the tables, the occupancy constraint, and the audit that nobody can change (G1, A8)."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

AUDIT_TABLES = ("booking_events", "audit_events")


def upgrade() -> None:
    """Applies the revision."""
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.create_table(
        "idempotency_results",
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("principal", "key", name=op.f("pk_idempotency_results")),
    )
    op.create_index("ix_idempotency_results_created_at", "idempotency_results", ["created_at"], unique=False)
    op.create_table(
        "locations",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("slot_minutes", sa.Integer(), nullable=False),
        sa.Column("policy", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("config_version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("config_version <= version", name=op.f("ck_locations_config_version")),
        sa.CheckConstraint("slot_minutes IN (5, 10, 15, 20, 30, 60)", name=op.f("ck_locations_slot_minutes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_locations")),
    )
    op.create_table(
        "signing_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("private_jwk", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_keys")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("membership_tier", sa.Text(), nullable=True),
        sa.Column("hubspot_id", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), server_default="en", nullable=False),
        sa.Column("sms_consent", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("tokens_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "membership_tier IN ('BRONZE', 'SILVER', 'GOLD', 'PLATINUM')",
            name=op.f("ck_users_membership_tier"),
        ),
        sa.CheckConstraint("role IN ('admin', 'operator', 'staff', 'customer')", name=op.f("ck_users_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index("uq_users_email", "users", [sa.literal_column("lower(email)")], unique=True)
    op.create_index(
        "uq_users_hubspot_id",
        "users",
        ["hubspot_id"],
        unique=True,
        postgresql_where=sa.text("hubspot_id IS NOT NULL"),
    )
    op.create_index(
        "uq_users_phone", "users", ["phone"], unique=True, postgresql_where=sa.text("phone IS NOT NULL")
    )
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_audit_events_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    op.create_index(
        "ix_audit_events_subject", "audit_events", ["subject_type", "subject_id", "id"], unique=False
    )
    op.create_table(
        "blackouts",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("resource_ids", postgresql.ARRAY(sa.Integer()), nullable=True),
        sa.Column("start_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("end_time > start_time", name=op.f("ck_blackouts_interval")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_blackouts_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blackouts")),
    )
    op.create_index("ix_blackouts_location", "blackouts", ["location_id", "end_time"], unique=False)
    op.create_table(
        "booking_restrictions",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("restriction_type", sa.Text(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(restriction_type = 'BOOKING_BAN') = (value IS NULL)", name=op.f("ck_booking_restrictions_value")
        ),
        sa.CheckConstraint(
            "restriction_type IN ('BOOKING_BAN', 'MAX_ADVANCE_DAYS', 'MAX_CONCURRENT', 'DENY_LOCATION')",
            name=op.f("ck_booking_restrictions_restriction_type"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_booking_restrictions_created_by")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_booking_restrictions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_restrictions")),
    )
    op.create_index(
        op.f("ix_booking_restrictions_user_id"), "booking_restrictions", ["user_id"], unique=False
    )
    op.create_table(
        "location_diffs",
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ops", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["location_id"], ["locations.id"], name=op.f("fk_location_diffs_location_id")
        ),
        sa.PrimaryKeyConstraint("location_id", "version", name=op.f("pk_location_diffs")),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_refresh_tokens_user_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_refresh_tokens")),
    )
    op.create_index(op.f("ix_refresh_tokens_family_id"), "refresh_tokens", ["family_id"], unique=False)
    op.create_index(op.f("ix_refresh_tokens_user_id"), "refresh_tokens", ["user_id"], unique=False)
    op.create_table(
        "resources",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_resources_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resources")),
    )
    op.create_index("ix_resources_location_id", "resources", ["location_id", "position", "id"], unique=False)
    op.create_table(
        "user_locations",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["location_id"], ["locations.id"], name=op.f("fk_user_locations_location_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_locations_user_id")),
        sa.PrimaryKeyConstraint("user_id", "location_id", name=op.f("pk_user_locations")),
    )
    op.create_table(
        "visitors",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_visitors_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visitors")),
    )
    op.create_index(op.f("ix_visitors_location_id"), "visitors", ["location_id"], unique=False)
    op.create_table(
        "bookings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("grid_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("visitor_id", sa.Integer(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("start_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("internal_note", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("series_id", sa.Uuid(), nullable=True),
        sa.Column("reschedule_count", sa.Integer(), nullable=False),
        sa.Column("attended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("judged_by", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.text("resource_id"), "="),
            (sa.text("tstzrange(start_time, end_time)"), "&&"),
            where=sa.text("status IN ('held', 'confirmed', 'completed')"),
            using="gist",
            name="ex_bookings_occupancy",
        ),
        sa.CheckConstraint("status <> 'held' OR expires_at IS NOT NULL", name=op.f("ck_bookings_expiry")),
        sa.CheckConstraint(
            "status IN ('held', 'confirmed', 'cancelled', 'completed', 'no_show', 'expired')",
            name=op.f("ck_bookings_status"),
        ),
        sa.CheckConstraint(
            "type IN ('CUSTOMER', 'MAINTENANCE', 'TRAINING', 'PRIVATE_EVENT', 'BLOCKED')",
            name=op.f("ck_bookings_type"),
        ),
        sa.CheckConstraint("end_time > start_time", name=op.f("ck_bookings_interval")),
        sa.CheckConstraint("user_id IS NULL OR visitor_id IS NULL", name=op.f("ck_bookings_one_customer")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_bookings_created_by")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_bookings_location_id")),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name=op.f("fk_bookings_resource_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_bookings_user_id")),
        sa.ForeignKeyConstraint(["visitor_id"], ["visitors.id"], name=op.f("fk_bookings_visitor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookings")),
    )
    op.create_index(
        "ix_bookings_confirmed",
        "bookings",
        ["end_time"],
        unique=False,
        postgresql_where=sa.text("status = 'confirmed'"),
    )
    op.create_index(
        "ix_bookings_held",
        "bookings",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'held'"),
    )
    op.create_index(
        "ix_bookings_location_end",
        "bookings",
        ["location_id", "end_time"],
        unique=False,
        postgresql_where=sa.text("status IN ('held', 'confirmed', 'completed')"),
    )
    op.create_index(
        "ix_bookings_location_start", "bookings", ["location_id", "start_time", "id"], unique=False
    )
    op.create_index(
        "ix_bookings_series",
        "bookings",
        ["series_id"],
        unique=False,
        postgresql_where=sa.text("series_id IS NOT NULL"),
    )
    op.create_index("ix_bookings_start", "bookings", ["start_time", "id"], unique=False)
    op.create_index(
        "ix_bookings_user",
        "bookings",
        ["user_id", "start_time", "id"],
        unique=False,
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )
    op.create_index(
        "ix_bookings_user_active",
        "bookings",
        ["user_id", "end_time"],
        unique=False,
        postgresql_where=sa.text("status IN ('held', 'confirmed')"),
    )
    op.create_index(op.f("ix_bookings_visitor_id"), "bookings", ["visitor_id"], unique=False)
    op.create_index(
        "uq_bookings_code",
        "bookings",
        ["code"],
        unique=True,
        postgresql_where=sa.text("status IN ('held', 'confirmed')"),
    )
    op.create_index("uq_bookings_grid_id", "bookings", ["grid_id"], unique=True)
    op.create_index(
        "uq_bookings_hold_of_user",
        "bookings",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("status = 'held'"),
    )
    op.create_table(
        "booking_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Integer(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_booking_events_actor_id")),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_booking_events_booking_id")),
        sa.ForeignKeyConstraint(
            ["location_id"], ["locations.id"], name=op.f("fk_booking_events_location_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_events")),
    )
    op.create_index("ix_booking_events_booking", "booking_events", ["booking_id", "id"], unique=False)
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    for table in AUDIT_TABLES:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    """Takes the revision back."""
    op.drop_index("ix_booking_events_booking", table_name="booking_events")
    op.drop_table("booking_events")
    op.drop_index(
        "uq_bookings_hold_of_user", table_name="bookings", postgresql_where=sa.text("status = 'held'")
    )
    op.drop_index("uq_bookings_grid_id", table_name="bookings")
    op.drop_index(
        "uq_bookings_code", table_name="bookings", postgresql_where=sa.text("status IN ('held', 'confirmed')")
    )
    op.drop_index(op.f("ix_bookings_visitor_id"), table_name="bookings")
    op.drop_index(
        "ix_bookings_user_active",
        table_name="bookings",
        postgresql_where=sa.text("status IN ('held', 'confirmed')"),
    )
    op.drop_index("ix_bookings_user", table_name="bookings", postgresql_where=sa.text("user_id IS NOT NULL"))
    op.drop_index("ix_bookings_start", table_name="bookings")
    op.drop_index(
        "ix_bookings_series", table_name="bookings", postgresql_where=sa.text("series_id IS NOT NULL")
    )
    op.drop_index("ix_bookings_location_start", table_name="bookings")
    op.drop_index(
        "ix_bookings_location_end",
        table_name="bookings",
        postgresql_where=sa.text("status IN ('held', 'confirmed', 'completed')"),
    )
    op.drop_index("ix_bookings_held", table_name="bookings", postgresql_where=sa.text("status = 'held'"))
    op.drop_index(
        "ix_bookings_confirmed", table_name="bookings", postgresql_where=sa.text("status = 'confirmed'")
    )
    op.drop_table("bookings")
    op.drop_index(op.f("ix_visitors_location_id"), table_name="visitors")
    op.drop_table("visitors")
    op.drop_table("user_locations")
    op.drop_index("ix_resources_location_id", table_name="resources")
    op.drop_table("resources")
    op.drop_index(op.f("ix_refresh_tokens_user_id"), table_name="refresh_tokens")
    op.drop_index(op.f("ix_refresh_tokens_family_id"), table_name="refresh_tokens")
    op.drop_table("refresh_tokens")
    op.drop_table("location_diffs")
    op.drop_index(op.f("ix_booking_restrictions_user_id"), table_name="booking_restrictions")
    op.drop_table("booking_restrictions")
    op.drop_index("ix_blackouts_location", table_name="blackouts")
    op.drop_table("blackouts")
    op.drop_index("ix_audit_events_subject", table_name="audit_events")
    op.drop_table("audit_events")
    op.drop_index("uq_users_phone", table_name="users", postgresql_where=sa.text("phone IS NOT NULL"))
    op.drop_index(
        "uq_users_hubspot_id", table_name="users", postgresql_where=sa.text("hubspot_id IS NOT NULL")
    )
    op.drop_index("uq_users_email", table_name="users")
    op.drop_table("users")
    op.drop_table("signing_keys")
    op.drop_table("locations")
    op.drop_index("ix_idempotency_results_created_at", table_name="idempotency_results")
    op.drop_table("idempotency_results")
    op.execute("DROP FUNCTION refuse_change()")
