/**
 * One bay's day: its cells and the records in them. It reads one resource's signal, so that a diff repaints the columns
 * that it touches and no other.
 */

import type { JSX } from 'preact';
import { memo } from 'preact/compat';

import type { DayLayout } from '../layout/day';
import type { ZoneLabels } from '../layout/labels';
import type { DrawnRecord } from '../store/pending';
import type { Blackout, Resource } from '../wire/messages';
import { place } from '../layout/day';
import { useDesk } from './desk';
import { RecordCard } from './RecordCard';
import { sentenceOf } from './wording';

export function cellId(resourceId: number, row: number): string {
  return `cell-${String(resourceId)}-${String(row)}`;
}

interface Props {
  resource: Resource;
  index: number;
  x: number;
  width: number;
}

export const Column = memo(function Column({ resource, index, x, width }: Props): JSX.Element | null {
  const desk = useDesk();
  const day = desk.day.value;
  const labels = desk.labels.value;
  const drawn = desk.drawn(resource.id).value;
  const frame = desk.grid.frame.value;
  if (day === null) return null;
  const blackouts = (frame?.blackouts ?? []).filter((blackout) => covers(blackout, resource.id));
  return (
    <div
      class="column"
      role="presentation"
      data-column={resource.id}
      style={{ left: `${String(x)}px`, width: `${String(width)}px` }}
    >
      {blackouts.map((blackout) => (
        <BlackoutMark key={blackout.id} blackout={blackout} day={day} />
      ))}
      {Array.from({ length: day.rowCount }, (_, row) => (
        <GridCell
          key={row}
          resource={resource}
          column={index}
          row={row}
          day={day}
          labels={labels}
          drawn={drawn}
        />
      ))}
    </div>
  );
});

interface CellProps {
  resource: Resource;
  column: number;
  row: number;
  day: DayLayout;
  labels: ZoneLabels;
  drawn: readonly DrawnRecord[];
}

function GridCell({ resource, column, row, day, labels, drawn }: CellProps): JSX.Element {
  const { start, end } = day.row(row);
  const covering = drawn.filter(({ record }) => record.start < end && start < record.end);
  // A record stands in the cell where it begins on this day, and reaches down over the others.
  const beginning = covering.filter(({ record }) => row === 0 || record.start >= start);
  const occupied = covering.map((one) => sentenceOf(one, labels)).join('; ');
  return (
    <div
      class="cell"
      role="gridcell"
      id={cellId(resource.id, row)}
      aria-colindex={column + 2}
      aria-label={`${resource.name}, ${labels.time(start)}, ${occupied === '' ? 'free' : occupied}`}
      data-resource-id={resource.id}
      data-row-start={start}
      data-hour={labels.wall(start).endsWith(':00') || undefined}
      style={{ height: `${String(day.top(row + 1) - day.top(row))}px` }}
    >
      {beginning.map((one) => (
        <RecordCard key={one.record.id} drawn={one} offset={day.top(row)} />
      ))}
    </div>
  );
}

function covers(blackout: Blackout, resourceId: number): boolean {
  const { resource_ids } = blackout;
  return resource_ids === undefined || resource_ids === null || resource_ids.includes(resourceId);
}

function BlackoutMark({ blackout, day }: { blackout: Blackout; day: DayLayout }): JSX.Element | null {
  const placement = place(day, blackout);
  if (placement === null) return null;
  const reason =
    blackout.reason === undefined || blackout.reason === null || blackout.reason === ''
      ? 'Closed to customers'
      : blackout.reason;
  return (
    <div
      class="blackout"
      data-blackout-id={blackout.id}
      style={{ top: `${String(placement.top)}px`, height: `${String(placement.height)}px` }}
    >
      <span class="blackout-label">{reason}</span>
    </div>
  );
}
