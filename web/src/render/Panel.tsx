/** One booking in full: how it stands, and what can be done with it. A bottom sheet on a phone. */

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { durationLabel } from '../layout/labels';
import type { GridRecord } from '../wire/messages';
import type { Booking } from '../wire/readings';
import { BookingForm } from './BookingForm';
import { useDesk } from './desk';
import { Icon } from './icons';
import { stateOf, titleOf } from './wording';

/** Guests are checked in from half an hour before their time (K3). */
const CHECK_IN_BEFORE = 30 * 60;
/** Who did not come can be marked until a day after the end (P4). */
const NO_SHOW_WITHIN = 24 * 3600;

export function Panel(): JSX.Element | null {
  const desk = useDesk();
  const id = desk.opened.value;
  if (id === null) return null;
  return <OpenPanel key={id} id={id} />;
}

function OpenPanel({ id }: { id: string }): JSX.Element | null {
  const desk = useDesk();
  // The column's signal is read so that the panel follows what others do to the record.
  const record = useRecord(id);
  const live = desk.link.value.phase === 'live';
  const booking = useBooking(record, live);
  const close = (): void => {
    desk.opened.value = null;
  };
  useEffect(
    () => () => {
      desk.preview.value = null;
      // Whatever had the focus here is gone with the panel; what somebody went on to keeps it.
      if (document.activeElement === document.body)
        document.querySelector<HTMLElement>('[role=grid]')?.focus({ preventScroll: true });
    },
    [desk],
  );
  if (record === null) return null;
  const labels = desk.labels.value;
  const now = desk.clock.now.value;
  const here = record.attended_at !== undefined && record.attended_at !== null;
  const confirmed = record.kind === 'booking' && record.status === 'confirmed';
  const completed = record.kind === 'booking' && record.status === 'completed';
  return (
    <aside
      class="panel"
      aria-label={record.kind === 'block' ? titleOf(record) : `Booking of ${titleOf(record)}`}
      data-testid="panel"
      data-booking-id={id}
    >
      <div class="sheet-head">
        <div>
          <h2>{titleOf(record)}</h2>
          <p class="sheet-place">{desk.placeLabel(record)}</p>
        </div>
        <button type="button" class="icon-button" aria-label="Close" onClick={close}>
          <Icon name="close" />
        </button>
      </div>
      <div class="panel-body">
        <dl class="facts">
          {record.kind !== 'block' && (
            <Fact name="State" value={stateOf({ record, certainty: 'confirmed' })} />
          )}
          <Fact name="Length" value={durationLabel(record.end - record.start)} />
          {record.attended_at !== undefined && record.attended_at !== null && (
            <Fact name="Checked in" value={labels.time(record.attended_at)} />
          )}
          {record.kind !== 'block' &&
            booking.kind === 'read' &&
            booking.value.code !== undefined &&
            booking.value.code !== null && <Fact name="Code" value={booking.value.code} mono />}
          {booking.kind === 'read' && booking.value.visitor !== null && (
            <Fact name="Visitor" value={booking.value.visitor.phone ?? 'Walk-in, no phone'} />
          )}
          {record.reschedule_count !== undefined &&
            record.reschedule_count !== null &&
            record.reschedule_count > 0 && (
              <Fact name="Moved by customer" value={`${String(record.reschedule_count)}×`} />
            )}
          {record.kind === 'block' && record.reason !== undefined && record.reason !== null && (
            <Fact name="Reason" value={record.reason} />
          )}
        </dl>
        {desk.worksHere.value && (confirmed || (completed && now < record.end + NO_SHOW_WITHIN)) && (
          <div class="panel-actions">
            {confirmed && (
              <button
                type="button"
                class="quiet-button good"
                data-testid="attend"
                disabled={!live || here || now < record.start - CHECK_IN_BEFORE}
                title={
                  now < record.start - CHECK_IN_BEFORE
                    ? `From ${labels.time(record.start - CHECK_IN_BEFORE)} on`
                    : undefined
                }
                onClick={() => {
                  desk.attend(record);
                }}
              >
                <Icon name="check" /> {here ? 'Checked in' : 'Check in'}
              </button>
            )}
            <button
              type="button"
              class="quiet-button"
              data-testid="no-show"
              disabled={!live || now < record.start}
              onClick={() => {
                desk.noShow(record);
              }}
            >
              Did not come
            </button>
          </div>
        )}
        {booking.kind === 'problem' && <p class="form-problem">The details cannot be read just now.</p>}
        {booking.kind === 'reading' && <p class="quiet">Reading the details…</p>}
        {booking.kind === 'read' && record.kind === 'booking' && (
          <BookingForm record={record} booking={booking.value} />
        )}
        {record.kind === 'block' && desk.movable(record) && (
          <div>
            <button
              type="button"
              class="quiet-button danger"
              data-testid="cancel-booking"
              onClick={() => {
                desk.cancel(record);
              }}
            >
              Remove block
            </button>
          </div>
        )}
      </div>
    </aside>
  );
}

function Fact({ name, value, mono = false }: { name: string; value: string; mono?: boolean }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd class={mono ? 'mono' : undefined}>{value}</dd>
    </div>
  );
}

/** The record as the grid holds it now, with the last known kept while its day is not shown. */
function useRecord(id: string): GridRecord | null {
  const desk = useDesk();
  const version = desk.grid.version.value;
  const frame = desk.grid.frame.value;
  const [last, setLast] = useState<GridRecord | null>(desk.grid.get(id) ?? null);
  useEffect(() => {
    const now = desk.grid.get(id);
    if (now !== undefined) setLast(now);
  }, [desk, id, version, frame]);
  return last;
}

type Reading = { kind: 'reading' } | { kind: 'read'; value: Booking } | { kind: 'problem' };

/** The booking's details by HTTP, read again whenever the grid brings another version of it, or the link comes back. */
function useBooking(record: GridRecord | null, live: boolean): Reading {
  const desk = useDesk();
  const [reading, setReading] = useState<Reading>({ kind: 'reading' });
  useEffect(() => {
    if (record === null) return;
    let current = true;
    desk.readBooking(record.id).then(
      (value) => {
        if (current) setReading({ kind: 'read', value });
      },
      () => {
        if (current) setReading({ kind: 'problem' });
      },
    );
    return () => {
      current = false;
    };
  }, [desk, record, live]);
  return reading;
}
