/** The head of a column: the bay's name, and how it stands now (or, on another day, how full it is). */

import type { JSX } from 'preact';
import { memo } from 'preact/compat';

import type { Resource } from '../wire/messages';
import { useDesk } from './desk';

interface Props {
  resource: Resource;
  index: number;
  x: number;
  width: number;
}

export const BayHeader = memo(function BayHeader({ resource, index, x, width }: Props): JSX.Element {
  const standing = useStanding(resource.id);
  return (
    <div
      class="bay-header"
      role="columnheader"
      aria-colindex={index + 2}
      id={`bay-${String(resource.id)}`}
      style={{ left: `${String(x)}px`, width: `${String(width)}px` }}
    >
      <span class="bay-name">{resource.name}</span>
      <span class="bay-standing" data-busy={standing.busy}>
        {standing.text}
      </span>
    </div>
  );
});

function useStanding(resourceId: number): { text: string; busy: 'yes' | 'no' | 'none' } {
  const desk = useDesk();
  const drawn = desk.drawn(resourceId).value;
  const labels = desk.labels.value;
  if (desk.date.value !== desk.today.value) {
    const count = drawn.filter(({ record }) => record.kind === 'booking').length;
    return {
      text: count === 0 ? 'No bookings' : count === 1 ? '1 booking' : `${String(count)} bookings`,
      busy: 'none',
    };
  }
  const now = desk.clock.now.value;
  const present = drawn.find(({ record }) => record.start <= now && now < record.end);
  if (present !== undefined) return { text: `Until ${labels.time(present.record.end)}`, busy: 'yes' };
  const next = drawn.find(({ record }) => record.start > now);
  return { text: next === undefined ? 'Free' : `Free to ${labels.time(next.record.start)}`, busy: 'no' };
}
