/** One row of the day: its time, and a cell for each bay in sight. */

import { useComputed } from '@preact/signals';
import type { JSX } from 'preact';
import { memo } from 'preact/compat';

import type { Resource } from '../wire/messages';
import { useDesk } from './desk';
import { GridCell } from './GridCell';

/** Pixels: nearer than this, the label of now would stand in the row's. */
const CLEAR_OF_NOW = 15;

interface Props {
  row: number;
  /** Indexes of the columns to render, in order. */
  visible: readonly number[];
  resources: readonly Resource[];
}

export const Row = memo(function Row({ row, visible, resources }: Props): JSX.Element | null {
  const desk = useDesk();
  const day = desk.day.value;
  const labels = desk.labels.value;
  const besideNow = useComputed(() => {
    const now = desk.clock.now.value;
    const shown = desk.day.value;
    return shown?.contains(now) === true && Math.abs(shown.yOf(now) - shown.top(row)) < CLEAR_OF_NOW;
  }).value;
  if (day === null) return null;
  const { start } = day.row(row);
  const [wall, letters] = labels.time(start).split(' ');
  const hour = wall?.endsWith(':00') === true || undefined;
  return (
    <div
      class="row"
      role="row"
      aria-rowindex={row + 2}
      data-hour={hour}
      data-beside-now={besideNow || undefined}
      style={{ height: `${String(day.top(row + 1) - day.top(row))}px` }}
    >
      <div class="row-header" role="rowheader" aria-colindex={1} data-row-start={start}>
        <span class="row-time">{wall}</span>
        {letters !== undefined && <span class="row-letters">{letters}</span>}
      </div>
      {visible.map((index) => {
        const resource = resources[index];
        return (
          resource !== undefined && (
            <GridCell key={resource.id} resource={resource} column={index} row={row} />
          )
        );
      })}
    </div>
  );
});
