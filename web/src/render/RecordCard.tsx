/** One record on the grid: who, when, and how it stands. */

import type { JSX } from 'preact';

import { place } from '../layout/day';
import type { DrawnRecord } from '../store/pending';
import { useDesk } from './desk';
import { Icon } from './icons';
import { stateOf, titleOf } from './wording';

export function RecordCard({ drawn, offset }: { drawn: DrawnRecord; offset: number }): JSX.Element | null {
  const desk = useDesk();
  const day = desk.day.value;
  const labels = desk.labels.value;
  const { record, certainty } = drawn;
  const placement = day === null ? null : place(day, record);
  if (placement === null) return null;
  const { top, height, continuesBefore, continuesAfter } = placement;
  const state = stateOf(drawn);
  const here =
    record.attended_at !== undefined && record.attended_at !== null && record.status === 'confirmed';
  const movable = certainty === 'confirmed' && desk.movable(record);
  return (
    <div
      class="card"
      role="button"
      tabIndex={-1}
      data-record-id={record.id}
      data-state={certainty}
      data-kind={record.kind}
      data-type={record.type}
      data-status={record.status}
      data-here={here || undefined}
      data-dragged={desk.dragged.value === record.id || undefined}
      data-opened={desk.opened.value === record.id || undefined}
      data-size={height < 30 ? 'line' : height < 48 ? 'short' : 'full'}
      data-before={continuesBefore || undefined}
      data-after={continuesAfter || undefined}
      style={{ top: `${String(top - offset + 1)}px`, height: `${String(height - 2)}px` }}
    >
      <span class="card-title">
        {continuesBefore && <Icon name="up" label="Since the day before" />}
        <span class="card-who">{titleOf(record)}</span>
        {continuesAfter && <Icon name="later" label="Until the day after" />}
        {here && <Icon name="check" label="Here" />}
        {record.note !== undefined && record.note !== null && record.note !== '' && (
          <Icon name="note" label="Has a note" />
        )}
      </span>{' '}
      <span class="card-time">{labels.range(record.start, record.end)}</span>{' '}
      <span class="card-state">
        {record.kind === 'hold' && record.expires_at !== undefined && record.expires_at !== null ? (
          <Countdown until={record.expires_at} />
        ) : (
          state
        )}
      </span>
      {movable && !continuesBefore && <span class="card-edge" data-part="start" />}
      {movable && !continuesAfter && <span class="card-edge" data-part="end" />}
    </div>
  );
}

function Countdown({ until }: { until: number }): JSX.Element {
  const left = Math.max(0, until - useDesk().clock.second.value);
  return <>{`Held, ${String(Math.floor(left / 60))}:${String(left % 60).padStart(2, '0')} left`}</>;
}
