/** The keyboard's cell and selection. Seen only while the grid has the focus by keyboard (see `styles/grid.css`). */

import type { JSX } from 'preact';

import { useDesk } from './desk';

export function CursorMark(): JSX.Element | null {
  const desk = useDesk();
  const day = desk.day.value;
  const columns = desk.columns.value;
  const { column, row } = desk.keyboard.cell.value;
  const anchor = desk.keyboard.anchor.value;
  if (day === null || column >= columns.count) return null;
  const top = day.top(Math.min(row, anchor));
  const height = day.top(Math.max(row, anchor) + 1) - top;
  return (
    <div
      class="cursor"
      data-testid="cursor"
      style={{
        transform: `translate(${String(columns.x(column))}px, ${String(top)}px)`,
        width: `${String(columns.width)}px`,
        height: `${String(height)}px`,
      }}
    />
  );
}
