/**
 * Instants as they cross the wire: whole seconds since 1970 in snapshots and diffs, RFC 3339 strings in command bodies
 * and HTTP answers. Belongs here: turning one into the other. Does not belong here: zones and labels (`layout/labels`).
 */

/** Whole seconds since 1970-01-01T00:00:00Z. */
export type Instant = number;

/** `2027-06-05T14:00:00Z`. */
export function formatInstant(instant: Instant): string {
  return new Date(instant * 1000).toISOString().replace('.000Z', 'Z');
}

/**
 * The instant that an RFC 3339 date-time with an offset names; an instant is returned as it is.
 *
 * @throws RangeError if it names none.
 */
export function parseInstant(value: string | Instant): Instant {
  if (typeof value === 'number') return value;
  const milliseconds = Date.parse(value);
  if (Number.isNaN(milliseconds)) throw new RangeError(`no instant: ${value}`);
  return Math.floor(milliseconds / 1000);
}
