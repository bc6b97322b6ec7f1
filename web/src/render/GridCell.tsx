/**
 * One bay at one row, and the records that begin there on this day. It reads its own bay's signal, so that a diff repaints
 * the cells of the columns that it touches and no other.
 */

import type { JSX } from 'preact';
import { memo } from 'preact/compat';

import type { Resource } from '../wire/messages';
import { useDesk } from './desk';
import { RecordCard } from './RecordCard';
import { sentenceOf } from './wording';

export function cellId(resourceId: number, row: number): string {
  return `cell-${String(resourceId)}-${String(row)}`;
}

interface Props {
  resource: Resource;
  column: number;
  row: number;
}

export const GridCell = memo(function GridCell({ resource, column, row }: Props): JSX.Element | null {
  const desk = useDesk();
  const day = desk.day.value;
  const labels = desk.labels.value;
  const columns = desk.columns.value;
  const drawn = desk.drawn(resource.id).value;
  if (day === null) return null;
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
      data-column={resource.id}
      data-resource-id={resource.id}
      data-row-start={start}
      style={{ left: `${String(columns.x(column))}px`, width: `${String(columns.width)}px` }}
    >
      {beginning.map((one) => (
        <RecordCard key={one.record.id} drawn={one} offset={day.top(row)} />
      ))}
    </div>
  );
});
