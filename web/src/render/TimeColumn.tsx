/** The rows' times, at the left edge of whatever part of the grid is in sight. */

import type { JSX } from 'preact';

import { useDesk } from './desk';

export function TimeColumn(): JSX.Element | null {
  const desk = useDesk();
  const day = desk.day.value;
  const labels = desk.labels.value;
  if (day === null) return null;
  return (
    <div class="time-column" role="presentation">
      {Array.from({ length: day.rowCount }, (_, row) => {
        const { start } = day.row(row);
        const [wall, letters] = labels.time(start).split(' ');
        return (
          <div
            key={row}
            id={rowHeaderId(row)}
            role="rowheader"
            class="row-header"
            data-row-start={start}
            data-hour={wall?.endsWith(':00') === true || undefined}
            style={{ height: `${String(day.top(row + 1) - day.top(row))}px` }}
          >
            <span class="row-time">{wall}</span>
            {letters !== undefined && <span class="row-letters">{letters}</span>}
          </div>
        );
      })}
      <NowLabel />
    </div>
  );
}

export function rowHeaderId(row: number): string {
  return `row-${String(row)}`;
}

function NowLabel(): JSX.Element | null {
  const desk = useDesk();
  const day = desk.day.value;
  const now = desk.clock.now.value;
  if (day === null || !day.contains(now)) return null;
  return (
    <span class="now-label" aria-hidden style={{ transform: `translateY(${String(day.yOf(now))}px)` }}>
      {desk.labels.value.wall(now)}
    </span>
  );
}
