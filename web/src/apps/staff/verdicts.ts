/**
 * What the rules say of the draft, as it changes (G8). The cells that can be seen to be taken are refused at once; for
 * all else the server is asked, and only its word about this very draft counts.
 */

import { effect, signal, untracked, type ReadonlySignal } from '@preact/signals';

import type { Draft } from '../../gestures/gesture';
import type { DraftVerdict } from '../../render/desk';
import { personOf, type Person, type Place } from '../../store/changes';
import type { Grid } from '../../store/grid';
import { formatInstant, parseInstant } from '../../wire/instant';
import type { Judge } from '../../wire/judge';
import type { Arguments, Suggestion } from '../../wire/messages';

const CHECKING: DraftVerdict = { tone: 'checking', violations: [], suggestions: [] };
const TAKEN: DraftVerdict = {
  tone: 'refused',
  violations: [{ code: 'conflict', message: 'This time is taken.', overridable: false }],
  suggestions: [],
};

export class Verdicts {
  readonly current = signal<DraftVerdict | null>(null);
  /** Asks for no more. */
  readonly stop: () => void;
  #place: Place | null = null;

  constructor(
    judge: Judge,
    grid: Grid,
    draft: ReadonlySignal<Draft | null>,
    person: ReadonlySignal<Person | null>,
  ) {
    let asked = '';
    this.stop = effect(() => {
      const now = draft.value;
      const whom = person.value;
      const question = now === null ? '' : JSON.stringify(argumentsOf(now, whom));
      if (question === asked) return;
      asked = question;
      untracked(() => {
        this.#place = now;
        if (now === null) {
          judge.forget();
          this.current.value = null;
          return;
        }
        if (isUnmoved(now)) {
          judge.forget();
          this.current.value = { tone: 'allowed', violations: [], suggestions: [] };
          return;
        }
        this.current.value = isTaken(grid, now) ? TAKEN : CHECKING;
        judge.ask(now.kind === 'create' ? 'create' : 'reschedule', argumentsOf(now, whom), (verdict) => {
          this.current.value = {
            tone: verdict.allowed ? 'allowed' : verdict.overridable ? 'overridable' : 'refused',
            violations: verdict.violations,
            suggestions: verdict.suggestions.map(placeOf),
          };
        });
      });
    });
  }

  /** The verdict about exactly this place, if it is known. */
  about(place: Place): DraftVerdict | null {
    const asked = this.#place;
    const same =
      asked?.resource_id === place.resource_id && asked.start === place.start && asked.end === place.end;
    return same ? this.current.value : null;
  }
}

export function placeOf(suggestion: Suggestion): Place {
  return {
    resource_id: suggestion.resource_id,
    start: parseInstant(suggestion.start_time),
    end: parseInstant(suggestion.end_time),
  };
}

function argumentsOf(draft: Draft, person: Person | null): Arguments {
  const times = {
    resource_id: draft.resource_id,
    start_time: formatInstant(draft.start),
    end_time: formatInstant(draft.end),
  };
  if (draft.record !== null) return { booking_id: draft.record.id, ...times };
  // Nobody is named yet: by the location's own policy, as for a visitor.
  return { ...times, ...personOf(person ?? { user_id: null, name: 'Walk-in', phone: null }) };
}

function isUnmoved(draft: Draft): boolean {
  const { record } = draft;
  return (
    record !== null &&
    record.resource_id === draft.resource_id &&
    record.start === draft.start &&
    record.end === draft.end
  );
}

function isTaken(grid: Grid, draft: Draft): boolean {
  return grid
    .column(draft.resource_id)
    .peek()
    .some((other) => other.id !== draft.record?.id && other.start < draft.end && draft.start < other.end);
}
