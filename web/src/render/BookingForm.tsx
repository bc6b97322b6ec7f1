/** Changing a booking: whom, when, where, notes. A changed time shows on the grid, with its verdict, before it is saved. */

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import type { Place } from '../store/changes';
import { editOf, fieldsOf, rebase, type Fields } from '../store/edits';
import type { GridRecord } from '../wire/messages';
import type { Booking } from '../wire/readings';
import { CustomerPicker } from './CustomerPicker';
import { useDesk } from './desk';
import { VerdictNote } from './VerdictNote';

interface Props {
  record: GridRecord;
  /** As it was read: its version is sent along, so that nobody's change is overwritten unseen. */
  booking: Booking;
}

export function BookingForm({ record, booking }: Props): JSX.Element {
  const desk = useDesk();
  /** The booking that the edit is of; a later one takes its place where nothing typed would be lost. */
  const [base, setBase] = useState(booking);
  const [fields, setFields] = useState(() => fieldsOf(booking));
  const [going, setGoing] = useState(false);

  const edit = editOf(fields, fieldsOf(base));
  const changed = Object.keys(edit).length > 0;
  const newer = booking.version > base.version;
  const rebased = newer ? rebase(fields, base, booking) : null;
  const begin = (from: Booking, kept: Fields = fieldsOf(from)): void => {
    setBase(from);
    setFields(kept);
  };
  useEffect(() => {
    if (rebased !== null && !going) begin(booking, rebased);
  });

  const { place } = fields;
  const moved = edit.place !== undefined;
  useEffect(() => {
    desk.preview.value = moved ? { kind: 'move', record, inside: true, ...place } : null;
  }, [desk, record, place, moved]);

  const set = (some: Partial<Fields>): void => {
    setFields((before) => ({ ...before, ...some }));
  };
  const editable = desk.movable(record) && desk.link.value.phase === 'live';
  const submit = (event: Event): void => {
    event.preventDefault();
    if (!changed || going) return;
    setGoing(true);
    void desk.save(record, edit, base.version).then((saved) => {
      setGoing(false);
      if (saved !== null) begin(saved);
    });
  };
  return (
    <form class="panel-form" onSubmit={submit}>
      {newer && rebased === null && !going && (
        <div class="overtaken" role="status">
          <span>Somebody else changed the same meanwhile.</span>
          <span class="overtaken-ways">
            <button
              type="button"
              class="chip"
              onClick={() => {
                begin(booking);
              }}
            >
              Take theirs
            </button>
            <button
              type="button"
              class="chip"
              onClick={() => {
                begin(booking, fields);
              }}
            >
              Keep mine
            </button>
          </span>
        </div>
      )}
      <fieldset disabled={!editable}>
        <PlaceFields
          record={record}
          place={place}
          onChange={(chosen) => {
            set({ place: chosen });
          }}
        />
        {moved && (
          <VerdictNote
            verdict={desk.verdict.value}
            onChoose={(chosen) => {
              set({ place: chosen });
            }}
          />
        )}
        <CustomerPicker
          key={base.version}
          label="Customer"
          visitors={false}
          initial={record.who ?? ''}
          onChoose={(chosen) => {
            set({ person: chosen === null || chosen.user_id === null ? null : chosen });
          }}
        />
        <label class="field">
          <span class="field-label">Note</span>
          <textarea
            name="note"
            rows={2}
            maxLength={2000}
            value={fields.note}
            onInput={(event) => {
              set({ note: event.currentTarget.value });
            }}
          />
        </label>
        <label class="field">
          <span class="field-label">Internal note, for staff alone</span>
          <textarea
            name="internal_note"
            rows={2}
            maxLength={2000}
            value={fields.internal}
            onInput={(event) => {
              set({ internal: event.currentTarget.value });
            }}
          />
        </label>
      </fieldset>
      {record.status === 'confirmed' && (
        <div class="sheet-foot">
          <button
            type="button"
            class="quiet-button danger"
            data-testid="cancel-booking"
            disabled={!editable}
            onClick={() => {
              desk.cancel(record);
            }}
          >
            Cancel booking
          </button>
          <button
            type="submit"
            class="primary-button"
            data-testid="save"
            disabled={!editable || !changed || going}
          >
            {going ? 'Saving…' : 'Save'}
          </button>
        </div>
      )}
    </form>
  );
}

/** Bay, start and end, chosen from the rows of the day shown. */
function PlaceFields({
  record,
  place,
  onChange,
}: {
  record: GridRecord;
  place: Place;
  onChange: (place: Place) => void;
}): JSX.Element {
  const desk = useDesk();
  const day = desk.day.value;
  const labels = desk.labels.value;
  const boundaries = day?.boundaries ?? [];
  // What the record has now is offered even off the rows, or on another day.
  const starts = withValue(boundaries.slice(0, -1), place.start);
  const ends = withValue(
    boundaries.filter((instant) => instant > place.start),
    place.end,
  );
  const length = record.end - record.start;
  return (
    <div class="field-row">
      <label class="field">
        <span class="field-label">Bay</span>
        <select
          name="resource"
          value={place.resource_id}
          onChange={(event) => {
            onChange({ ...place, resource_id: Number(event.currentTarget.value) });
          }}
        >
          {(desk.grid.frame.value?.resources ?? []).map((resource) => (
            <option key={resource.id} value={resource.id}>
              {resource.name}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span class="field-label">From</span>
        <select
          name="start"
          value={place.start}
          onChange={(event) => {
            const start = Number(event.currentTarget.value);
            onChange({ ...place, start, end: start + length });
          }}
        >
          {starts.map((instant) => (
            <option key={instant} value={instant}>
              {labels.time(instant)}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span class="field-label">To</span>
        <select
          name="end"
          value={place.end}
          onChange={(event) => {
            onChange({ ...place, end: Number(event.currentTarget.value) });
          }}
        >
          {ends.map((instant) => (
            <option key={instant} value={instant}>
              {labels.time(instant)}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

function withValue(values: readonly number[], value: number): number[] {
  return [...new Set([...values, value])].sort((left, right) => left - right);
}
