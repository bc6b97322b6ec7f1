/** What there is to tell of a customer: the next booking first, since that is what most questions are about. */

import type { JSX } from 'preact';

import type { Context, ContextBooking, Restriction } from '../../wire/admin';
import { moment, span, until } from './moments';

const STATUS_WORDS: Readonly<Record<string, string>> = {
  confirmed: 'Confirmed',
  cancelled: 'Cancelled',
  completed: 'Completed',
  no_show: 'Did not come',
};

export function ContextCard({ context, brief = false }: { context: Context; brief?: boolean }): JSX.Element {
  const { customer, booking_details: next, booking_in: seconds } = context;
  return (
    <article class="office-card" data-testid="context">
      <header>
        <h3>{customer.name}</h3>
        <p class="office-tags">
          {context.membership_tier !== null && <span class="tag">{context.membership_tier}</span>}
          {context.tags.map((tag) => (
            <span key={tag} class="tag">
              {tag}
            </span>
          ))}
          {!customer.active && <span class="tag">Account closed</span>}
        </p>
      </header>
      <p class="office-quiet">
        {[customer.email, customer.phone].filter((each) => each !== null).join(' · ')}
      </p>
      {next === null ? (
        <p>No booking ahead.</p>
      ) : (
        <div class="office-next">
          <strong>{seconds !== null && (seconds === 0 ? 'Running now' : `Begins ${until(seconds)}`)}</strong>
          <BookingLine booking={next} />
        </div>
      )}
      {context.restrictions.length > 0 && (
        <ul class="office-list office-restrictions" aria-label="Restrictions in force">
          {context.restrictions.map((each, index) => (
            <li key={index}>{restrictionWords(each)}</li>
          ))}
        </ul>
      )}
      {!brief && <Bookings title="After that" bookings={context.upcoming.slice(1)} />}
      {!brief && <Bookings title="Before" bookings={context.history} />}
    </article>
  );
}

function Bookings({
  title,
  bookings,
}: {
  title: string;
  bookings: readonly ContextBooking[];
}): JSX.Element | null {
  if (bookings.length === 0) return null;
  return (
    <section>
      <h4>{title}</h4>
      <ul class="office-list">
        {bookings.map((booking) => (
          <li key={booking.id}>
            <BookingLine booking={booking} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function BookingLine({ booking }: { booking: ContextBooking }): JSX.Element {
  const moved = booking.reschedule_count;
  const rest = [
    STATUS_WORDS[booking.status] ?? booking.status,
    booking.attended_at === null ? '' : 'checked in',
    moved === 0 ? '' : `moved ${moved === 1 ? 'once' : `${String(moved)} times`}`,
    booking.cancel_reason ?? '',
    booking.note ?? '',
  ].filter((part) => part !== '');
  return (
    <p class="office-booking">
      <span>{span(booking.start_time, booking.end_time, booking.timezone)}</span>
      <span>
        {booking.location_name}, {booking.resource_name}
      </span>
      <span class="office-quiet">
        {booking.code} · {rest.join(' · ')}
      </span>
    </p>
  );
}

function restrictionWords({ restriction_type: type, value, expires_at: expires }: Restriction): string {
  const words: Readonly<Record<string, string>> = {
    BOOKING_BAN: 'May not book',
    MAX_ADVANCE_DAYS: `Books at most ${String(value)} days ahead`,
    MAX_CONCURRENT: `At most ${String(value)} bookings at a time`,
    DENY_LOCATION: `May not book at location ${String(value)}`,
  };
  return `${words[type] ?? type}${expires === null ? '' : `, until ${moment(expires)}`}`;
}
