/**
 * What is drawn over the columns: the draft and its verdict, colleagues' drags, the hour it is now. Each is one small
 * component with its own signals, so that sixty frames a second of dragging repaint nothing else.
 */

import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

import type { Draft } from '../gestures/gesture';
import { place, type DayLayout } from '../layout/day';
import { durationLabel } from '../layout/labels';
import { useDesk } from './desk';
import { Icon } from './icons';
import { titleOf, verdictSentence } from './wording';

/** Where an interval of a resource stands among the columns; null where it is not on this day or not on this grid. */
function useBox(): (resourceId: number, interval: { start: number; end: number }) => BoxStyle | null {
  const desk = useDesk();
  const day: DayLayout | null = desk.day.value;
  const columns = desk.columns.value;
  const resources = desk.grid.frame.value?.resources ?? [];
  return (resourceId, interval) => {
    const index = resources.findIndex((resource) => resource.id === resourceId);
    const placement = day === null || index < 0 ? null : place(day, interval);
    if (placement === null) return null;
    return {
      transform: `translate(${String(columns.x(index))}px, ${String(placement.top)}px)`,
      width: `${String(columns.width)}px`,
      height: `${String(placement.height)}px`,
    };
  };
}

// A type alias, because interfaces have no index signature, which the style attribute asks for.
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- see above
type BoxStyle = { transform: string; width: string; height: string };

export const VERDICT_ICONS = {
  checking: 'clock',
  allowed: 'check',
  overridable: 'alert',
  refused: 'block',
} as const;
export function DraftGhost(): JSX.Element | null {
  const tag = useRef<HTMLDivElement>(null);
  const desk = useDesk();
  const box = useBox();
  const draft = desk.draft.value;
  const verdict = desk.verdict.value;
  useLayoutEffect(() => {
    if (tag.current !== null) keepInSight(tag.current);
  });
  if (draft === null) return null;
  const style = box(draft.resource_id, draft);
  if (style === null) return null;
  const labels = desk.labels.value;
  const tone = verdict?.tone ?? 'checking';
  const fix = tone === 'refused' || tone === 'overridable' ? verdict?.suggestions[0] : undefined;
  // An open form says it with more room.
  const told = desk.composing.value === null && desk.preview.value === null && !isUnmoved(draft);
  return (
    <div
      class="draft"
      data-testid="draft"
      data-verdict={tone}
      data-inside={draft.inside}
      data-kind={draft.kind}
      style={style}
    >
      <div class="draft-body">
        <span class="draft-time">{labels.range(draft.start, draft.end)}</span>
        <span class="draft-who">
          {draft.record === null ? durationLabel(draft.end - draft.start) : titleOf(draft.record)}
        </span>
      </div>
      {told && (
        <div class="draft-verdict" data-testid="verdict" ref={tag}>
          {draft.inside ? (
            <>
              <Icon name={VERDICT_ICONS[tone]} />
              <span>
                {verdict === null ? 'Checking…' : verdictSentence(verdict)}
                {fix !== undefined && <span class="draft-fix">{`Nearest: ${desk.placeLabel(fix)}`}</span>}
              </span>
            </>
          ) : (
            <>
              <Icon name="close" />
              <span>Let go to cancel</span>
            </>
          )}
        </div>
      )}
    </div>
  );
}

/** The tag hangs below its draft, from the left edge; at the edges of what can be seen, above or from the right. */
function keepInSight(tag: HTMLElement): void {
  const sight = tag.closest('.grid-scroll')?.getBoundingClientRect();
  const draft = tag.parentElement?.getBoundingClientRect();
  if (sight === undefined || draft === undefined) return;
  tag.toggleAttribute('data-from-right', draft.left + tag.offsetWidth > sight.right);
  tag.toggleAttribute('data-above', draft.bottom + tag.offsetHeight > sight.bottom);
}

function isUnmoved({ record, resource_id, start, end }: Draft): boolean {
  return (
    record !== null && record.resource_id === resource_id && record.start === start && record.end === end
  );
}

export function ColleagueGhosts(): JSX.Element {
  const desk = useDesk();
  const box = useBox();
  const labels = desk.labels.value;
  return (
    <>
      {desk.ghosts.present.value.map((ghost) => {
        const style = box(ghost.resource_id, ghost);
        return (
          style !== null && (
            <div
              class="colleague"
              data-testid="ghost"
              data-session={ghost.session}
              data-at-top={desk.day.value?.rowOf(ghost.start) === 0 || undefined}
              key={ghost.session}
              style={style}
            >
              <span class="colleague-name">
                <Icon name="person" />
                {ghost.who}
              </span>
              <span class="colleague-time">{labels.range(ghost.start, ghost.end)}</span>
            </div>
          )
        );
      })}
    </>
  );
}

/** The part of today that is over, and the line of now. */
export function NowLine(): JSX.Element | null {
  const desk = useDesk();
  const day = desk.day.value;
  const now = desk.clock.now.value;
  if (day === null || now < day.start) return null;
  const y = day.yOf(now);
  return (
    <>
      <div class="past" style={{ height: `${String(y)}px` }} />
      {day.contains(now) && (
        <>
          <div class="now-line" data-testid="now" style={{ transform: `translateY(${String(y)}px)` }} />
          <div class="now-hair" style={{ transform: `translateY(${String(y)}px)` }} />
        </>
      )}
    </>
  );
}

/** Pixels; the label of just after midnight would hide under the head. */
const HALF_LABEL = 10;

/** The time of now, in the gutter that stays in sight. */
export function NowLabel(): JSX.Element | null {
  const desk = useDesk();
  const day = desk.day.value;
  const now = desk.clock.now.value;
  if (day === null || !day.contains(now)) return null;
  return (
    <span
      class="now-label"
      style={{ transform: `translateY(${String(Math.max(day.yOf(now), HALF_LABEL))}px)` }}
    >
      {desk.labels.value.wall(now)}
    </span>
  );
}
