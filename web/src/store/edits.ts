/**
 * What the form of a booking holds while somebody edits it, and how it takes in what others change meanwhile. Belongs
 * here: comparing and merging field by field. Does not belong here: saving (`changes`), drawing.
 */

import { parseInstant } from '../wire/instant';
import type { Booking } from '../wire/readings';
import type { Edit, Place } from './changes';

export interface Fields {
  readonly note: string;
  readonly internal: string;
  /** The account it is to be for; null for whom it is for already. */
  readonly person: { readonly user_id: number; readonly name: string } | null;
  readonly place: Place;
}

export function fieldsOf(booking: Booking): Fields {
  return {
    note: booking.note ?? '',
    internal: booking.internal_note ?? '',
    person: null,
    place: {
      resource_id: booking.resource_id,
      start: parseInstant(booking.start_time),
      end: parseInstant(booking.end_time),
    },
  };
}

/** What would be saved: each field that is not as it was. */
export function editOf(fields: Fields, before: Fields): Edit {
  return {
    ...(fields.note === before.note ? {} : { note: fields.note }),
    ...(fields.internal === before.internal ? {} : { internal_note: fields.internal }),
    ...(fields.person === null ? {} : { person: fields.person }),
    ...(isSame(fields.place, before.place) ? {} : { place: fields.place }),
  };
}

/**
 * The edit carried over to a newer version of the booking: what was not touched follows it, what was touched stays. Null
 * where both changed the same field to different ends, which only a person can settle.
 */
export function rebase(fields: Fields, before: Booking, after: Booking): Fields | null {
  const old = fieldsOf(before);
  const fresh = fieldsOf(after);
  const note = merged(fields.note, old.note, fresh.note);
  const internal = merged(fields.internal, old.internal, fresh.internal);
  const place = merged(fields.place, old.place, fresh.place);
  const personChanged = before.user_id !== after.user_id;
  if (note === null || internal === null || place === null || (fields.person !== null && personChanged))
    return null;
  return { note, internal, place, person: fields.person };
}

function merged<Value extends string | Place>(mine: Value, old: Value, fresh: Value): Value | null {
  if (isSame(mine, old)) return fresh;
  return isSame(fresh, old) || isSame(fresh, mine) ? mine : null;
}

function isSame(one: string | Place, other: string | Place): boolean {
  if (typeof one === 'string' || typeof other === 'string') return one === other;
  return one.resource_id === other.resource_id && one.start === other.start && one.end === other.end;
}
