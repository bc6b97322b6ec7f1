"""The statements of ``staged_bookings``: what is asked of all rows of an import at once, and of what is there."""

TABLE = """
CREATE TEMP TABLE IF NOT EXISTS staged_bookings (
    number int PRIMARY KEY, file text NOT NULL, line int NOT NULL, origin text NOT NULL, named boolean NOT NULL,
    digest bytea NOT NULL, code text, location_id int NOT NULL, resource_id int NOT NULL, customer text, visitor_name text,
    start_time timestamptz NOT NULL, end_time timestamptz NOT NULL, active boolean NOT NULL, fields text NOT NULL,
    user_id int, user_number int, booking_id uuid, known_digest bytea, verdict text NOT NULL DEFAULT 'create',
    recent boolean NOT NULL, refused boolean NOT NULL DEFAULT false
)
"""
COLUMNS = (
    "number",
    "file",
    "line",
    "origin",
    "named",
    "digest",
    "code",
    "location_id",
    "resource_id",
    "customer",
    "visitor_name",
    "start_time",
    "end_time",
    "active",
    "fields",
    "recent",
)
INDEXES = """
CREATE INDEX IF NOT EXISTS ix_staged_bookings_origin ON staged_bookings (location_id, origin);
CREATE INDEX IF NOT EXISTS ix_staged_bookings_start ON staged_bookings (resource_id, start_time);
CREATE INDEX IF NOT EXISTS ix_staged_bookings_customer ON staged_bookings (lower(customer)) WHERE customer IS NOT NULL;
ANALYZE staged_bookings;
"""
INDEX_OF_MATCHES = """
CREATE INDEX IF NOT EXISTS ix_staged_bookings_booking ON staged_bookings (booking_id) WHERE booking_id IS NOT NULL;
ANALYZE staged_bookings;
"""
SESSION = """
SET plan_cache_mode = force_custom_plan;
SET work_mem = '64MB';
SET jit = off;
"""
"""Tables grow under this connection: a plan that was good at first is not good for long."""

CUSTOMERS = (
    # Who is written by this import comes before who is there already: the two agree, or the row of the account was refused.
    """
    UPDATE staged_bookings b SET user_id = u.user_id, user_number = u.number FROM staged_users u
    WHERE lower(u.email) = lower(b.customer) AND NOT u.refused
    """,
    """
    UPDATE staged_bookings b SET user_id = u.user_id, user_number = u.number FROM staged_users u
    WHERE b.user_number IS NULL AND u.phone = b.customer AND NOT u.refused
    """,
    """
    UPDATE staged_bookings b SET user_id = u.id FROM users u
    WHERE b.user_number IS NULL AND b.customer IS NOT NULL AND lower(u.email) = lower(b.customer) AND u.email_proven
    """,
    """
    UPDATE staged_bookings b SET user_id = u.id FROM users u
    WHERE b.user_number IS NULL AND b.user_id IS NULL AND b.customer IS NOT NULL AND u.phone = b.customer AND u.phone_proven
    """,
)

MATCHES = (
    """
    UPDATE staged_bookings s SET booking_id = o.booking_id, known_digest = o.digest FROM booking_origins o
    WHERE (o.location_id, o.external_id) = (s.location_id, s.origin)
    """,
    # A booking of this Baygrid's own is called by its id in an export.
    """
    UPDATE staged_bookings s SET booking_id = b.id FROM bookings b
    WHERE s.booking_id IS NULL AND s.named AND s.origin ~ $uuid$^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$$uuid$
      AND b.id = CASE WHEN s.origin ~ $uuid$^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$$uuid$ THEN s.origin::uuid END
    """,
    """
    UPDATE staged_bookings s SET booking_id = (
        SELECT b.id FROM bookings b LEFT JOIN visitors v ON v.id = b.visitor_id
        WHERE b.location_id = s.location_id AND b.start_time = s.start_time AND b.resource_id = s.resource_id
          AND b.end_time = s.end_time AND b.status NOT IN ('held', 'expired')
          AND b.user_id IS NOT DISTINCT FROM s.user_id AND v.name IS NOT DISTINCT FROM s.visitor_name
        ORDER BY (b.status IN ('confirmed', 'completed')) DESC, b.id DESC LIMIT 1
    )
    WHERE s.booking_id IS NULL AND NOT s.named AND s.location_id > 0 AND s.resource_id > 0
      AND (s.user_id IS NOT NULL OR s.user_number IS NULL)
    """,
    # Whoever only claims an address is not given what others booked by it; what they booked stays theirs.
    """
    UPDATE staged_bookings s SET user_id = u.id FROM bookings b JOIN users u ON u.id = b.user_id
    WHERE s.user_number IS NULL AND s.user_id IS NULL AND s.customer IS NOT NULL AND b.id = s.booking_id
      AND (lower(u.email) = lower(s.customer) OR u.phone = s.customer)
    """,
)

REPEATED_ORIGINS = """
SELECT number, file, line, first_file, first_line FROM (
    SELECT number, file, line, row_number() OVER same AS place,
           first_value(file) OVER same AS first_file, first_value(line) OVER same AS first_line
    FROM staged_bookings WHERE NOT refused WINDOW same AS (PARTITION BY location_id, origin ORDER BY number)
) repeated WHERE place > 1 ORDER BY number
"""
REPEATED_BOOKINGS = """
SELECT number, file, line, first_file, first_line FROM (
    SELECT number, file, line, row_number() OVER same AS place,
           first_value(file) OVER same AS first_file, first_value(line) OVER same AS first_line
    FROM staged_bookings WHERE NOT refused AND booking_id IS NOT NULL
    WINDOW same AS (PARTITION BY booking_id ORDER BY number)
) repeated WHERE place > 1 ORDER BY number
"""
TAKEN_CODES = """
SELECT s.number, s.file, s.line FROM staged_bookings s
WHERE s.code IS NOT NULL AND s.verdict = 'create' AND s.active AND NOT s.refused AND (
    EXISTS (SELECT FROM bookings b WHERE b.code = s.code AND b.status IN ('held', 'confirmed'))
    OR EXISTS (
        SELECT FROM staged_bookings t
        WHERE t.code = s.code AND t.number < s.number AND t.verdict = 'create' AND t.active AND NOT t.refused
    )
) ORDER BY s.number
"""

# Of the rows before it on its resource the one that ends last: if that has ended by its start, they all have.
OVERLAPS = """
SELECT s.number, s.file, s.line, s.resource_id, s.start_time, s.end_time,
       o.file AS other_file, o.line AS other_line, NULL::uuid AS other_id, o.start_time AS other_start, o.end_time AS other_end
FROM (
    SELECT *, max(ARRAY[extract(epoch FROM end_time)::bigint, number::bigint])
        OVER (PARTITION BY resource_id ORDER BY start_time, number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS last
    FROM staged_bookings WHERE active AND NOT refused AND verdict <> 'same'
) s JOIN staged_bookings o ON o.number = s.last[2]
WHERE s.last[1] > extract(epoch FROM s.start_time) ORDER BY s.number
"""
# Row by row through the constraint's own index: resources are few, and a join by them alone would meet every booking.
TAKEN_TIMES = """
SELECT s.number, s.file, s.line, s.resource_id, s.start_time, s.end_time, b.id AS other_id,
       (SELECT t.file FROM staged_bookings t WHERE t.booking_id = b.id LIMIT 1) AS other_file,
       (SELECT t.line FROM staged_bookings t WHERE t.booking_id = b.id LIMIT 1) AS other_line,
       b.start_time AS other_start, b.end_time AS other_end
FROM staged_bookings s CROSS JOIN LATERAL (
    SELECT b.id, b.start_time, b.end_time FROM bookings b
    WHERE b.resource_id = s.resource_id AND tstzrange(b.start_time, b.end_time) && tstzrange(s.start_time, s.end_time)
      AND b.status IN ('held', 'confirmed', 'completed') AND (b.status <> 'held' OR b.expires_at > $1)
      AND b.id IS DISTINCT FROM s.booking_id
      AND NOT EXISTS (
          SELECT FROM staged_bookings t WHERE t.booking_id = b.id AND NOT t.refused AND t.verdict <> 'same'
      )
    ORDER BY b.start_time LIMIT 1
) b
WHERE s.active AND NOT s.refused AND s.verdict <> 'same' AND {which} ORDER BY s.number
"""
