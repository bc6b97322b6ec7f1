"""The tables of Postgres, their constraints and their indexes.

Belongs here: what the database itself guarantees. Does not belong here: queries. A change here needs a migration; a test
compares the two.
"""

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, ExcludeConstraint
from sqlmodel import Field, SQLModel

ACTIVE = "status IN ('held', 'confirmed', 'completed')"
"""What occupies a resource (G1)."""

LONG = "end_time - start_time > interval '1 day'"
"""What is longer than a day is rare enough to be looked for apart."""

STATUSES = "status IN ('held', 'confirmed', 'cancelled', 'completed', 'no_show', 'expired')"
TYPES = "type IN ('CUSTOMER', 'MAINTENANCE', 'TRAINING', 'PRIVATE_EVENT', 'BLOCKED')"

metadata: MetaData = SQLModel.metadata
metadata.naming_convention = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_name)s",
}


def _instant(*, nullable: bool = False) -> Any:
    return Field(sa_column=Column(DateTime(timezone=True), nullable=nullable))


def _parts_of_words(name: str, *columns: str, **options: Any) -> Index:
    """An index that finds texts by any three letters of them, as ``ILIKE '%…%'`` asks."""
    ops = dict.fromkeys(columns, "gin_trgm_ops")
    return Index(name, *columns, postgresql_using="gin", postgresql_ops=ops, **options)


def _wall() -> Any:
    """What a clock on the wall shows: no instant, and so without a zone."""
    return Field(sa_column=Column(DateTime(timezone=False), nullable=False))


def _identity(kind: type[Integer] = Integer) -> Any:
    return Field(default=None, sa_column=Column(kind, Identity(), primary_key=True))


class Location(SQLModel, table=True):
    """A venue. ``version`` counts its committed changes in the stream that ``epoch`` names (G6)."""

    __tablename__ = "locations"
    __table_args__ = (
        CheckConstraint("slot_minutes IN (5, 10, 15, 20, 30, 60)", name="slot_minutes"),
        CheckConstraint("config_version <= version", name="config_version"),
    )

    id: int | None = _identity()
    name: str = Field(sa_column=Column(Text, nullable=False))
    timezone: str = Field(sa_column=Column(Text, nullable=False))
    slot_minutes: int = 30
    policy: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    active: bool = True
    epoch: str = Field(sa_column=Column(Text, nullable=False))
    version: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    config_version: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    created_at: datetime = _instant()
    updated_at: datetime = _instant()


class Resource(SQLModel, table=True):
    """A bay, court or room of a location."""

    __tablename__ = "resources"
    __table_args__ = (Index("ix_resources_location_id", "location_id", "position", "id"),)

    id: int | None = _identity()
    location_id: int = Field(foreign_key="locations.id")
    name: str = Field(sa_column=Column(Text, nullable=False))
    position: int = 0
    active: bool = True


class User(SQLModel, table=True):
    """An account. ``tokens_after`` ends every token issued before it (A5). What is not proven was given by its owner alone:
    it may be somebody else's.
    """

    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_email", func.lower(text("email")), unique=True),
        Index("uq_users_phone", "phone", unique=True, postgresql_where=text("phone IS NOT NULL")),
        Index(
            "uq_users_hubspot_id", "hubspot_id", unique=True, postgresql_where=text("hubspot_id IS NOT NULL")
        ),
        _parts_of_words("ix_users_search", "name", "email", "phone"),
        CheckConstraint("role IN ('admin', 'operator', 'staff', 'customer')", name="role"),
        CheckConstraint(
            "membership_tier IN ('BRONZE', 'SILVER', 'GOLD', 'PLATINUM')", name="membership_tier"
        ),
    )

    id: int | None = _identity()
    name: str = Field(sa_column=Column(Text, nullable=False))
    email: str | None = Field(default=None, sa_column=Column(Text))
    phone: str | None = Field(default=None, sa_column=Column(Text))
    role: str = Field(sa_column=Column(Text, nullable=False))
    password_hash: str | None = Field(default=None, sa_column=Column(Text))
    tags: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'"))
    )
    membership_tier: str | None = Field(default=None, sa_column=Column(Text))
    hubspot_id: str | None = Field(default=None, sa_column=Column(Text))
    language: str = Field(default="en", sa_column=Column(Text, nullable=False, server_default="en"))
    sms_consent: bool = False
    active: bool = True
    email_proven: bool = Field(default=True, sa_column=Column(Boolean, nullable=False, server_default="true"))
    phone_proven: bool = Field(default=True, sa_column=Column(Boolean, nullable=False, server_default="true"))
    tokens_after: datetime = _instant()
    created_at: datetime = _instant()


class UserLocation(SQLModel, table=True):
    """Where a staff member works."""

    __tablename__ = "user_locations"

    user_id: int = Field(foreign_key="users.id", primary_key=True)
    location_id: int = Field(foreign_key="locations.id", primary_key=True)


class HubSpotChange(SQLModel, table=True):
    """The last change of a HubSpot contact's property that was followed (H1), for contacts that are linked to an account.

    ``occurred_at`` is in milliseconds since 1970, as HubSpot tells it: two changes often lie in one second.
    """

    __tablename__ = "hubspot_changes"

    contact_id: str = Field(sa_column=Column(Text, primary_key=True))
    property: str = Field(sa_column=Column(Text, primary_key=True))
    occurred_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    value: str | None = Field(default=None, sa_column=Column(Text))


class Insight(SQLModel, table=True):
    """Figures of an analysis, and what Claude said of them (C2). ``meanings`` are what tokens stand for.

    ``cost_millionths`` is in millionths of a US dollar.
    """

    __tablename__ = "insights"
    __table_args__ = (
        CheckConstraint("(state = 'answered') = (answer IS NOT NULL)", name="answer"),
        CheckConstraint("decision IN ('accepted', 'dismissed')", name="decision"),
        CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decided"),
        Index("ix_insights_input_digest", "input_digest"),
        Index("ix_insights_location", "location_id", "id"),
        Index("ix_insights_user", "user_id", "id"),
    )

    id: int | None = _identity()
    kind: str = Field(sa_column=Column(Text, nullable=False))
    state: str = Field(sa_column=Column(Text, nullable=False))
    detail: str | None = Field(default=None, sa_column=Column(Text))
    location_id: int | None = Field(default=None, foreign_key="locations.id")
    user_id: int | None = Field(default=None, foreign_key="users.id")
    subject: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    figures: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    meanings: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    answer: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB))
    model: str | None = Field(default=None, sa_column=Column(Text))
    prompt_version: str = Field(sa_column=Column(Text, nullable=False))
    input_digest: str = Field(sa_column=Column(Text, nullable=False))
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_millionths: int | None = Field(default=None, sa_column=Column(BigInteger))
    decision: str | None = Field(default=None, sa_column=Column(Text))
    decision_note: str | None = Field(default=None, sa_column=Column(Text))
    decided_by: int | None = Field(default=None, foreign_key="users.id")
    decided_at: datetime | None = _instant(nullable=True)
    created_by: int | None = Field(default=None, foreign_key="users.id")
    created_at: datetime = _instant()


class SmsChoice(SQLModel, table=True):
    """A number chose to be texted or not (N4); the last choice of a number is in force."""

    __tablename__ = "sms_choices"
    __table_args__ = (
        CheckConstraint("choice IN ('stop', 'start')", name="choice"),
        Index("ix_sms_choices_phone", "phone", "id"),
        Index("uq_sms_choices_message_id", "message_id", unique=True),
    )

    id: int | None = _identity(BigInteger)
    phone: str = Field(sa_column=Column(Text, nullable=False))
    choice: str = Field(sa_column=Column(Text, nullable=False))
    message_id: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = _instant()


class Visitor(SQLModel, table=True):
    """A walk-in without an account."""

    __tablename__ = "visitors"
    __table_args__ = (_parts_of_words("ix_visitors_search", "name", "phone"),)

    id: int | None = _identity()
    location_id: int = Field(foreign_key="locations.id", index=True)
    name: str = Field(sa_column=Column(Text, nullable=False))
    phone: str | None = Field(default=None, sa_column=Column(Text))
    created_at: datetime = _instant()


class Booking(SQLModel, table=True):
    """A booking, a hold (status held) or a block (another type than CUSTOMER), on one resource.

    ``grid_id`` is what others see instead of ``id`` (A4); ``version`` the location's version of its last change;
    ``judged_by`` the policy values it was judged by (R20). A block that was made with others has the ``series_id`` of them
    all, and the number of the ``occurrence`` that it is a piece of. Statistics on its length (``bookings_length``) tell the
    planner that long ones are rare.
    """

    __tablename__ = "bookings"
    __table_args__ = (
        ExcludeConstraint(
            (text("resource_id"), "="),
            (text("tstzrange(start_time, end_time)"), "&&"),
            using="gist",
            where=text(ACTIVE),
            name="ex_bookings_occupancy",
        ),
        CheckConstraint("end_time > start_time", name="interval"),
        CheckConstraint(STATUSES, name="status"),
        CheckConstraint(TYPES, name="type"),
        CheckConstraint("status <> 'held' OR expires_at IS NOT NULL", name="expiry"),
        CheckConstraint("user_id IS NULL OR visitor_id IS NULL", name="one_customer"),
        CheckConstraint("occurrence IS NULL OR series_id IS NOT NULL", name="occurrence"),
        Index("uq_bookings_grid_id", "grid_id", unique=True),
        Index(
            "uq_bookings_code", "code", unique=True, postgresql_where=text("status IN ('held', 'confirmed')")
        ),
        Index("uq_bookings_hold_of_user", "user_id", unique=True, postgresql_where=text("status = 'held'")),
        Index("ix_bookings_location_end", "location_id", "end_time", postgresql_where=text(ACTIVE)),
        Index("ix_bookings_location_start", "location_id", "start_time", "id"),
        Index("ix_bookings_start", "start_time", "id"),
        Index(
            "ix_bookings_user", "user_id", "start_time", "id", postgresql_where=text("user_id IS NOT NULL")
        ),
        Index(
            "ix_bookings_user_active",
            "user_id",
            "end_time",
            postgresql_where=text("status IN ('held', 'confirmed')"),
        ),
        Index("ix_bookings_held", "expires_at", postgresql_where=text("status = 'held'")),
        Index("ix_bookings_confirmed", "end_time", postgresql_where=text("status = 'confirmed'")),
        Index(
            "ix_bookings_location_confirmed",
            "location_id",
            "end_time",
            postgresql_where=text("status = 'confirmed'"),
        ),
        Index("ix_bookings_series", "series_id", postgresql_where=text("series_id IS NOT NULL")),
        Index("ix_bookings_long", "end_time", postgresql_where=text(LONG)),
        Index("ix_bookings_code", "code"),
        _parts_of_words("ix_bookings_note", "note", postgresql_where=text("note IS NOT NULL")),
    )

    id: uuid.UUID = Field(primary_key=True)
    grid_id: str = Field(sa_column=Column(Text, nullable=False))
    code: str = Field(sa_column=Column(Text, nullable=False))
    location_id: int = Field(foreign_key="locations.id")
    resource_id: int = Field(foreign_key="resources.id")
    user_id: int | None = Field(default=None, foreign_key="users.id")
    visitor_id: int | None = Field(default=None, foreign_key="visitors.id", index=True)
    type: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(sa_column=Column(Text, nullable=False))
    start_time: datetime = _instant()
    end_time: datetime = _instant()
    note: str | None = Field(default=None, sa_column=Column(Text))
    internal_note: str | None = Field(default=None, sa_column=Column(Text))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    series_id: uuid.UUID | None = None
    occurrence: int | None = None
    reschedule_count: int = 0
    attended_at: datetime | None = _instant(nullable=True)
    cancel_reason: str | None = Field(default=None, sa_column=Column(Text))
    created_by: int | None = Field(default=None, foreign_key="users.id")
    created_at: datetime = _instant()
    updated_at: datetime = _instant()
    expires_at: datetime | None = _instant(nullable=True)
    judged_by: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    version: int = Field(sa_column=Column(BigInteger, nullable=False))


class BookingOrigin(SQLModel, table=True):
    """What an imported booking goes by where it comes from, and the digest of what was said of it there the last time."""

    __tablename__ = "booking_origins"

    location_id: int = Field(foreign_key="locations.id", primary_key=True)
    external_id: str = Field(sa_column=Column(Text, primary_key=True))
    booking_id: uuid.UUID = Field(foreign_key="bookings.id", index=True)
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class BookingEvent(SQLModel, table=True):
    """The append-only audit of bookings (A8); a trigger refuses to change or delete its rows."""

    __tablename__ = "booking_events"
    __table_args__ = (
        Index("ix_booking_events_booking", "booking_id", "id"),
        Index("ix_booking_events_location", "location_id", "created_at", "id"),
    )

    id: int | None = _identity(BigInteger)
    booking_id: uuid.UUID = Field(foreign_key="bookings.id")
    location_id: int = Field(foreign_key="locations.id")
    event_type: str = Field(sa_column=Column(Text, nullable=False))
    actor_id: int | None = Field(default=None, foreign_key="users.id")
    event_metadata: dict[str, Any] = Field(sa_column=Column("metadata", JSONB, nullable=False))
    created_at: datetime = _instant()


class AuditEvent(SQLModel, table=True):
    """The append-only audit of everything but bookings: configuration, accounts, restrictions (A8)."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_subject", "subject_type", "subject_id", "id"),)

    id: int | None = _identity(BigInteger)
    subject_type: str = Field(sa_column=Column(Text, nullable=False))
    subject_id: str = Field(sa_column=Column(Text, nullable=False))
    event_type: str = Field(sa_column=Column(Text, nullable=False))
    actor_id: int | None = Field(default=None, foreign_key="users.id")
    event_metadata: dict[str, Any] = Field(sa_column=Column("metadata", JSONB, nullable=False))
    created_at: datetime = _instant()


class BookingRestriction(SQLModel, table=True):
    """Something a customer may not do, until it expires or is lifted."""

    __tablename__ = "booking_restrictions"
    __table_args__ = (
        CheckConstraint(
            "restriction_type IN ('BOOKING_BAN', 'MAX_ADVANCE_DAYS', 'MAX_CONCURRENT', 'DENY_LOCATION')",
            name="restriction_type",
        ),
        CheckConstraint("(restriction_type = 'BOOKING_BAN') = (value IS NULL)", name="value"),
    )

    id: int | None = _identity()
    user_id: int = Field(foreign_key="users.id", index=True)
    restriction_type: str = Field(sa_column=Column(Text, nullable=False))
    value: int | None = None
    expires_at: datetime | None = _instant(nullable=True)
    reason: str = Field(sa_column=Column(Text, nullable=False))
    created_by: int | None = Field(default=None, foreign_key="users.id")
    created_at: datetime = _instant()
    lifted_at: datetime | None = _instant(nullable=True)


class Blackout(SQLModel, table=True):
    """A period closed to customers (B4); ``resource_ids`` null means the whole location."""

    __tablename__ = "blackouts"
    __table_args__ = (
        CheckConstraint("end_time > start_time", name="interval"),
        Index("ix_blackouts_location", "location_id", "end_time"),
    )

    id: int | None = _identity()
    location_id: int = Field(foreign_key="locations.id")
    resource_ids: list[int] | None = Field(default=None, sa_column=Column(ARRAY(Integer), nullable=True))
    start_time: datetime = _instant()
    end_time: datetime = _instant()
    reason: str = Field(sa_column=Column(Text, nullable=False))


class LocationDiff(SQLModel, table=True):
    """What one version changed, in the form of ``server.wire.diffs``."""

    __tablename__ = "location_diffs"

    location_id: int = Field(foreign_key="locations.id", primary_key=True)
    version: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    ops: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = _instant()


class IdempotencyResult(SQLModel, table=True):
    """The first answer to a key (G7); only answers that succeeded are kept."""

    __tablename__ = "idempotency_results"
    __table_args__ = (Index("ix_idempotency_results_created_at", "created_at"),)

    principal: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    fingerprint: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    status: int
    body: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    version: int | None = Field(default=None, sa_column=Column(BigInteger))
    created_at: datetime = _instant()


class Device(SQLModel, table=True):
    """A kiosk. It is waiting to be paired while it has a ``pairing_hash``, and paired while it has a ``token_hash`` (K1)."""

    __tablename__ = "devices"
    __table_args__ = (
        CheckConstraint("(pairing_hash IS NULL) = (pairing_expires_at IS NULL)", name="pairing"),
        CheckConstraint(
            "revoked_at IS NULL OR (pairing_hash IS NULL AND token_hash IS NULL)", name="revoked"
        ),
        Index(
            "uq_devices_pairing_hash",
            "pairing_hash",
            unique=True,
            postgresql_where=text("pairing_hash IS NOT NULL"),
        ),
        Index(
            "uq_devices_token_hash",
            "token_hash",
            unique=True,
            postgresql_where=text("token_hash IS NOT NULL"),
        ),
    )

    id: int | None = _identity()
    location_id: int = Field(foreign_key="locations.id", index=True)
    name: str = Field(sa_column=Column(Text, nullable=False))
    pairing_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    pairing_expires_at: datetime | None = _instant(nullable=True)
    token_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    paired_at: datetime | None = _instant(nullable=True)
    last_seen_at: datetime | None = _instant(nullable=True)
    revoked_at: datetime | None = _instant(nullable=True)
    created_by: int | None = Field(default=None, foreign_key="users.id")
    created_at: datetime = _instant()


class ApiKey(SQLModel, table=True):
    """A key by which a support tool asks; ``prefix`` is what people know it by, ``location_ids`` null means all."""

    __tablename__ = "api_keys"
    __table_args__ = (CheckConstraint("cardinality(location_ids) > 0", name="location_ids"),)

    id: int | None = _identity()
    name: str = Field(sa_column=Column(Text, nullable=False))
    prefix: str = Field(sa_column=Column(Text, nullable=False))
    key_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    location_ids: list[int] | None = Field(default=None, sa_column=Column(ARRAY(Integer), nullable=True))
    created_by: int | None = Field(default=None, foreign_key="users.id")
    created_at: datetime = _instant()
    expires_at: datetime | None = _instant(nullable=True)
    last_used_at: datetime | None = _instant(nullable=True)
    revoked_at: datetime | None = _instant(nullable=True)


class SigningKey(SQLModel, table=True):
    """A key that signs tokens (Ed25519, as a private JWK), where none is configured."""

    __tablename__ = "signing_keys"

    id: str = Field(sa_column=Column(Text, primary_key=True))
    private_jwk: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    created_at: datetime = _instant()
    retired_at: datetime | None = _instant(nullable=True)


class RefreshToken(SQLModel, table=True):
    """One link of a token family: used once, then replaced; its reuse ends the family."""

    __tablename__ = "refresh_tokens"

    token_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    family_id: uuid.UUID = Field(index=True)
    user_id: int = Field(foreign_key="users.id", index=True)
    created_at: datetime = _instant()
    expires_at: datetime = _instant()
    used_at: datetime | None = _instant(nullable=True)
    revoked_at: datetime | None = _instant(nullable=True)


class CalendarFeed(SQLModel, table=True):
    """An account's calendar feed: the link that opens it, of which only a hash is kept."""

    __tablename__ = "calendar_feeds"
    __table_args__ = (Index("uq_calendar_feeds_token_hash", "token_hash", unique=True),)

    user_id: int = Field(foreign_key="users.id", primary_key=True)
    token_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = _instant()


class OneTimeCode(SQLModel, table=True):
    """A code that was sent to an address: one at a time for a purpose, used once, and dead after a few wrong tries."""

    __tablename__ = "one_time_codes"

    purpose: str = Field(sa_column=Column(Text, primary_key=True))
    address: str = Field(sa_column=Column(Text, primary_key=True))
    code_hash: str = Field(sa_column=Column(Text, nullable=False))
    tries: int = 0
    created_at: datetime = _instant()
    expires_at: datetime = _instant()


class Notification(SQLModel, table=True):
    """A message to a person, kept until somebody delivers it; ``state`` is that of the booking it tells of (N2).

    Nobody delivers it before ``due_at``; null is at once.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        CheckConstraint("channel IN ('sms', 'email')", name="channel"),
        CheckConstraint("status IN ('outbox', 'queued', 'sent', 'delivered', 'failed')", name="status"),
        Index(
            "uq_notifications_of_booking",
            "booking_id",
            "kind",
            "channel",
            "state",
            unique=True,
            postgresql_where=text("booking_id IS NOT NULL"),
        ),
        Index("ix_notifications_location", "location_id", "id"),
        Index(
            "uq_notifications_provider_id",
            "provider_id",
            unique=True,
            postgresql_where=text("provider_id IS NOT NULL"),
        ),
        Index("ix_notifications_code", "created_at", postgresql_where=text("kind LIKE '%_code'")),
    )

    id: int | None = _identity(BigInteger)
    kind: str = Field(sa_column=Column(Text, nullable=False))
    channel: str = Field(sa_column=Column(Text, nullable=False))
    recipient: str = Field(sa_column=Column(Text, nullable=False))
    subject: str | None = Field(default=None, sa_column=Column(Text))
    body: str = Field(sa_column=Column(Text, nullable=False))
    booking_id: uuid.UUID | None = Field(default=None, foreign_key="bookings.id")
    user_id: int | None = Field(default=None, foreign_key="users.id")
    location_id: int | None = Field(default=None, foreign_key="locations.id")
    state: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(sa_column=Column(Text, nullable=False))
    provider_id: str | None = Field(default=None, sa_column=Column(Text))
    error: str | None = Field(default=None, sa_column=Column(Text))
    attempts: int = 0
    created_at: datetime = _instant()
    updated_at: datetime = _instant()
    due_at: datetime | None = _instant(nullable=True)


class ContextThread(SQLModel, table=True):
    """A support thread in which something was asked (X1); ``id`` is the helpdesk's."""

    __tablename__ = "context_threads"
    __table_args__ = (Index("ix_context_threads_last_asked_at", "last_asked_at", "id"),)

    id: str = Field(sa_column=Column(Text, primary_key=True))
    last_asked_at: datetime = _instant()


class ContextEntry(SQLModel, table=True):
    """What was asked in a thread and what was answered, as it was told; ``answer`` null where nobody was found."""

    __tablename__ = "context_entries"
    __table_args__ = (
        Index("ix_context_entries_thread_id", "thread_id", "id"),
        Index("ix_context_entries_created_at", "created_at"),
    )

    id: int | None = _identity(BigInteger)
    thread_id: str = Field(sa_column=Column(Text, ForeignKey("context_threads.id"), nullable=False))
    asked_by: int | None = Field(default=None, foreign_key="users.id")
    asked_as: str = Field(sa_column=Column(Text, nullable=False))
    asked: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    customer_id: int | None = Field(default=None, foreign_key="users.id")
    answer: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    created_at: datetime = _instant()


class Refusal(SQLModel, table=True):
    """What the rules refused somebody on one day (UTC), however often; patterns are counted from these (R22).

    ``user_id`` is the customer judged; without one ``subject`` tells a visitor's from nobody's (blocks, undoing).
    """

    __tablename__ = "refusals"
    __table_args__ = (
        Index(
            "uq_refusals_asked",
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
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_refusals_user", "user_id", "day", postgresql_where=text("user_id IS NOT NULL")),
        Index("ix_refusals_day", "day"),
        CheckConstraint("subject IN ('customer', 'visitor', 'nobody')", name="subject"),
        CheckConstraint("(subject = 'customer') = (user_id IS NOT NULL)", name="user"),
    )

    id: int | None = _identity(BigInteger)
    location_id: int = Field(foreign_key="locations.id")
    day: date
    user_id: int | None = Field(default=None, foreign_key="users.id")
    subject: str = Field(sa_column=Column(Text, nullable=False))
    resource_id: int = Field(foreign_key="resources.id")
    start_time: datetime = _instant()
    end_time: datetime = _instant()
    minute_of_week: int
    action: str = Field(sa_column=Column(Text, nullable=False))
    role: str = Field(sa_column=Column(Text, nullable=False))
    codes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    times: int
    context: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    first_refused_at: datetime = _instant()
    last_refused_at: datetime = _instant()


class Series(SQLModel, table=True):
    """Blocks that were asked for together (B2, B6), as they were asked for; walls are what clocks at the location show."""

    __tablename__ = "series"
    __table_args__ = (
        CheckConstraint("type <> 'CUSTOMER'", name="block"),
        CheckConstraint(TYPES, name="type"),
        Index("ix_series_location_start", "location_id", "start_wall", "id"),
        Index("ix_series_start", "start_wall", "id"),
    )

    id: uuid.UUID = Field(primary_key=True)
    location_id: int = Field(foreign_key="locations.id")
    type: str = Field(sa_column=Column(Text, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    recurrence: str | None = Field(default=None, sa_column=Column(Text))
    start_wall: datetime = _wall()
    end_wall: datetime = _wall()
    resource_ids: list[int] = Field(sa_column=Column(ARRAY(Integer), nullable=False))
    created_by: int | None = Field(default=None, foreign_key="users.id")
    created_at: datetime = _instant()
    updated_at: datetime = _instant()


class SeriesOccurrence(SQLModel, table=True):
    """What one occurrence of a series wants blocked, whether it got all of it or not; one that was ended has no row."""

    __tablename__ = "series_occurrences"
    __table_args__ = (
        CheckConstraint("type <> 'CUSTOMER'", name="block"),
        CheckConstraint(TYPES, name="type"),
    )

    series_id: uuid.UUID = Field(foreign_key="series.id", primary_key=True)
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    type: str = Field(sa_column=Column(Text, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    start_wall: datetime = _wall()
    end_wall: datetime = _wall()
    resource_ids: list[int] = Field(sa_column=Column(ARRAY(Integer), nullable=False))


class AnalyticsDay(SQLModel, table=True):
    """What is rolled up of a location's local day (Y1): ``server.storage.rollup`` says what each figure is. There is none where
    there is nothing to tell. It can be made again from bookings, so that whether the location is there is not checked.

    ``by_hour`` has the figures of each hour of the wall clock, their digits one behind the other: days are added up by
    adding one number, where rows by the hour would be twenty times as many.
    """

    __tablename__ = "analytics_days"

    location_id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    day: date = Field(primary_key=True)
    by_hour: Decimal = Field(sa_column=Column(Numeric, nullable=False))
    booked_seconds: int
    no_show_seconds: int
    blocked_seconds: int
    block_seconds: int
    bookings: int
    no_shows: int
    attended: int
    cancellations: int
    late_cancellations: int
    own_cancellations: int
    lead_seconds: int = Field(sa_type=BigInteger)


class AnalyticsResourceDay(SQLModel, table=True):
    """The same by resource: the figures of each, in the order of ``resource_ids``, in one number."""

    __tablename__ = "analytics_resource_days"

    location_id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    day: date = Field(primary_key=True)
    resource_ids: list[int] = Field(sa_column=Column(ARRAY(Integer), nullable=False))
    by_resource: Decimal = Field(sa_column=Column(Numeric, nullable=False))


class AnalyticsMark(SQLModel, table=True):
    """A time of a location of which what was rolled up may no longer be true; ``mark_analytics`` leaves it with every change
    of a booking. Its location is not looked up: whatever is marked is looked at anew.
    """

    __tablename__ = "analytics_marks"
    __table_args__ = (Index("ix_analytics_marks_location", "location_id", "starts_at"),)

    id: int | None = _identity(BigInteger)
    location_id: int
    starts_at: datetime = _instant()
    ends_at: datetime = _instant()


class AnalyticsLocation(SQLModel, table=True):
    """By what a location was rolled up last; ``opening`` is a digest of its hours, resources and blackouts."""

    __tablename__ = "analytics_locations"

    location_id: int = Field(foreign_key="locations.id", primary_key=True)
    timezone: str = Field(sa_column=Column(Text, nullable=False))
    opening: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    config_version: int = Field(sa_column=Column(BigInteger, nullable=False))
