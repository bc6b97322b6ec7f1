/** Periods closed to customers (B4), under the records of the bays that they close. */

import type { JSX } from 'preact';

import { place } from '../layout/day';
import type { Blackout } from '../wire/messages';
import { useDesk } from './desk';

export function Blackouts({ visible }: { visible: readonly number[] }): JSX.Element {
  const desk = useDesk();
  const day = desk.day.value;
  const columns = desk.columns.value;
  const frame = desk.grid.frame.value;
  return (
    <>
      {(frame?.blackouts ?? []).map((blackout) => {
        const placement = day === null ? null : place(day, blackout);
        if (placement === null) return null;
        return visible.map((index) => {
          const resource = frame?.resources[index];
          if (resource === undefined || !closes(blackout, resource.id)) return null;
          return (
            <div
              key={`${String(blackout.id)} ${String(resource.id)}`}
              class="blackout"
              data-blackout-id={blackout.id}
              style={{
                left: `${String(columns.x(index))}px`,
                width: `${String(columns.width)}px`,
                top: `${String(placement.top)}px`,
                height: `${String(placement.height)}px`,
              }}
            >
              <span class="blackout-label">{reasonOf(blackout)}</span>
            </div>
          );
        });
      })}
    </>
  );
}

function closes({ resource_ids }: Blackout, resourceId: number): boolean {
  return resource_ids === undefined || resource_ids === null || resource_ids.includes(resourceId);
}

function reasonOf({ reason }: Blackout): string {
  return reason === undefined || reason === null || reason === '' ? 'Closed to customers' : reason;
}
