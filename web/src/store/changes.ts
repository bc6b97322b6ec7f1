/**
 * The changes that staff make: each draws at once, goes out as a command, and ends confirmed or rolled back (W4).
 * Belongs here: one method a command, and what its answer does to the grid. Does not belong here: asking people for
 * reasons, and telling them of refusals (`apps/staff`).
 */

import type { Commands } from '../wire/commands';
import { formatInstant, parseInstant, type Instant } from '../wire/instant';
import type { Arguments, GridRecord, Nak, Operation } from '../wire/messages';
import type { Booking } from '../wire/readings';
import type { Grid } from './grid';
import type { Pending } from './pending';

/** Where in time and space. */
export interface Place {
  readonly resource_id: number;
  readonly start: Instant;
  readonly end: Instant;
}

/** Whom a booking is for: an account, or a visitor without one. */
export type Person =
  | { readonly user_id: number; readonly name: string }
  | { readonly user_id: null; readonly name: string; readonly phone: string | null };

/** What an edit changes; a field left out stays as it is. */
export interface Edit {
  readonly note?: string;
  readonly internal_note?: string;
  readonly person?: { readonly user_id: number; readonly name: string };
  readonly place?: Place;
}

export type Outcome =
  { readonly ok: true; readonly booking: Booking } | { readonly ok: false; readonly nak: Nak };

const ON_THE_GRID: ReadonlySet<string> = new Set(['held', 'confirmed', 'completed']);

export class Changes {
  constructor(
    private readonly commands: Pick<Commands, 'submit'>,
    private readonly grid: Grid,
    private readonly pending: Pending,
  ) {}

  book(place: Place, person: Person, note: string | null, overrideReason?: string): Promise<Outcome> {
    const args = {
      ...timesOf(place),
      ...personOf(person),
      ...(note === null || note === '' ? {} : { note }),
      ...reasonOf(overrideReason),
    };
    return this.#run('create', args, null, {
      id: '',
      ...place,
      kind: 'booking',
      status: 'confirmed',
      type: 'CUSTOMER',
      user_id: person.user_id,
      who: person.name,
      note,
    });
  }

  move(record: GridRecord, place: Place, overrideReason?: string): Promise<Outcome> {
    const args = {
      booking_id: record.id,
      ...timesOf(place),
      ...this.#ifVersion(record.id),
      ...reasonOf(overrideReason),
    };
    return this.#run('reschedule', args, record, { ...record, ...place });
  }

  /** Changes some of a booking; `version` is that of the booking as it was read for editing. */
  update(record: GridRecord, edit: Edit, version: number | null, overrideReason?: string): Promise<Outcome> {
    const { place, person, ...notes } = edit;
    const args = {
      booking_id: record.id,
      ...notes,
      ...(person === undefined ? {} : { user_id: person.user_id }),
      ...(place === undefined ? {} : timesOf(place)),
      ...(version === null ? {} : { if_version: version }),
      ...reasonOf(overrideReason),
    };
    return this.#run('update', args, record, {
      ...record,
      ...place,
      ...(person === undefined ? {} : { user_id: person.user_id, who: person.name }),
      ...(notes.note === undefined ? {} : { note: notes.note }),
    });
  }

  cancel(record: GridRecord, reason: string | null, overrideReason?: string): Promise<Outcome> {
    const args = {
      booking_id: record.id,
      ...(reason === null || reason === '' ? {} : { reason }),
      ...this.#ifVersion(record.id),
      ...reasonOf(overrideReason),
    };
    return this.#run('cancel', args, record, record);
  }

  attend(record: GridRecord, now: Instant): Promise<Outcome> {
    return this.#run('confirm', { booking_id: record.id }, record, { ...record, attended_at: now });
  }

  noShow(record: GridRecord): Promise<Outcome> {
    return this.#run('no_show', { booking_id: record.id }, record, record);
  }

  /** Takes back the last change of the booking (G11); `record` is what the grid shows of it, if anything. */
  undo(bookingId: string, record: GridRecord | null): Promise<Outcome> {
    return this.#run('undo', { booking_id: bookingId }, record, record);
  }

  /** Sends, draws, and settles: the whole life of an optimistic change. */
  async #run(
    op: Operation,
    args: Arguments,
    before: GridRecord | null,
    drawn: GridRecord | null,
  ): Promise<Outcome> {
    let doubted: (() => void) | null = null;
    const { key, answer } = this.commands.submit(op, args, () => doubted?.());
    doubted = () => {
      this.pending.doubt(key);
    };
    if (drawn !== null)
      this.pending.begin(key, before?.id ?? null, drawn.id === '' ? { ...drawn, id: key } : drawn);
    const told = await answer;
    if (told.t === 'nak') {
      this.pending.drop(key);
      return { ok: false, nak: told };
    }
    const booking = told.result as Booking;
    const version = told.version ?? booking.version;
    if (version <= this.grid.version.value) this.pending.drop(key);
    else this.pending.confirm(key, version, confirmedRecord(booking, drawn));
    return { ok: true, booking };
  }

  /**
   * The version of the record that is on the screen, where it is known. A change of our own that is still under way would
   * make it stale for no reason, so then nothing is said.
   */
  #ifVersion(id: string): { if_version?: number } {
    if (this.pending.isPending(id)) return {};
    const version = this.pending.acknowledged(id) ?? this.grid.versionOf(id);
    return version === undefined ? {} : { if_version: version };
  }
}

function timesOf(place: Place): Arguments {
  return {
    resource_id: place.resource_id,
    start_time: formatInstant(place.start),
    end_time: formatInstant(place.end),
  };
}

/** How a command names whom it is for. */
export function personOf(person: Person): Arguments {
  if (person.user_id !== null) return { user_id: person.user_id };
  return { visitor: { name: person.name, ...(person.phone === null ? {} : { phone: person.phone }) } };
}

function reasonOf(overrideReason: string | undefined): Arguments {
  return overrideReason === undefined ? {} : { override_reason: overrideReason };
}

/** The record that the diff will bring, as far as the answer tells it; null where the booking leaves the grid. */
function confirmedRecord(booking: Booking, drawn: GridRecord | null): GridRecord | null {
  if (drawn === null || !ON_THE_GRID.has(booking.status)) return null;
  return {
    ...drawn,
    id: booking.id,
    resource_id: booking.resource_id,
    start: parseInstant(booking.start_time),
    end: parseInstant(booking.end_time),
    status: booking.status,
    note: booking.note,
    attended_at: booking.attended_at === null ? null : parseInstant(booking.attended_at),
  };
}
