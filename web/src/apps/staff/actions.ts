/**
 * What people do to bookings, from the press of a button to the word that it is done. Belongs here: asking for a reason
 * where the rules want one, telling of the outcome, undo. Does not belong here: the commands themselves (`store/changes`).
 */

import type { Signal } from '@preact/signals';

import type { Draft } from '../../gestures/gesture';
import type { DraftVerdict, Question, Refusal } from '../../render/desk';
import type { Changes, Edit, Outcome, Person, Place } from '../../store/changes';
import type { Clock } from '../../store/clock';
import type { Grid } from '../../store/grid';
import type { NoticeAction, Notices } from '../../store/notices';
import type { GridRecord, Nak, Violation } from '../../wire/messages';
import type { Booking } from '../../wire/readings';
import { placeOf } from './verdicts';

/** Staff take back their own last change within this time (G11). */
export const UNDO_MS = 30_000;
const CHIPS = 3;

interface Parts {
  readonly changes: Changes;
  readonly grid: Grid;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly question: Signal<Question | null>;
  readonly verdictAbout: (place: Place) => DraftVerdict | null;
  readonly mayOverride: () => boolean;
  readonly placeLabel: (place: Place) => string;
}

export class Actions {
  constructor(private readonly parts: Parts) {}

  /** Books; null when done, or why not, for the form that is open. An override is asked for on the way. */
  async book(place: Place, person: Person, note: string): Promise<Refusal | null> {
    const { changes } = this.parts;
    const verdict = this.parts.verdictAbout(place);
    const reason =
      verdict?.tone === 'overridable'
        ? await this.#askReason('Book against the rules?', null, verdict)
        : null;
    if (reason?.given === false)
      return { violations: verdict?.violations ?? [], suggestions: verdict?.suggestions ?? [] };
    const outcome = await changes.book(place, person, note, reason?.text);
    if (outcome.ok) {
      this.#done(`Booked for ${person.name}`, place, outcome);
      return null;
    }
    const { nak } = outcome;
    if (reason === null && this.#isOverridable(nak)) {
      const asked = await this.#askReason('Book against the rules?', null, refusalOf(nak));
      if (asked.given) {
        const again = await changes.book(place, person, note, asked.text);
        if (again.ok) {
          this.#done(`Booked for ${person.name}`, place, again);
          return null;
        }
        return refusalOf(again.nak);
      }
    }
    return refusalOf(nak);
  }

  /** Moves or resizes. What is known to be refused is not tried, but snaps back with the reason. */
  move(record: GridRecord, place: Place, draft: Draft | null = null): void {
    const verdict = this.parts.verdictAbout(place);
    if (verdict?.tone === 'refused') {
      this.#refused('Not moved', record, verdict);
      return;
    }
    void this.#attempt(
      'Move against the rules?',
      draft ?? { kind: 'move', record, inside: true, ...place },
      verdict,
      (reason) => this.parts.changes.move(record, place, reason),
      (outcome) => {
        this.#done(`${nameOf(record)} ${movementOf(record, place)}`, place, outcome);
      },
      (refusal) => {
        this.#refused('Not moved', record, refusal);
      },
    );
  }

  /** Saves an edit; the booking as it is then, or null where it did not go through. */
  async save(record: GridRecord, edit: Edit, version: number): Promise<Booking | null> {
    const place = edit.place ?? record;
    let saved: Booking | null = null;
    await this.#attempt(
      'Change against the rules?',
      edit.place === undefined ? null : { kind: 'move', record, inside: true, ...edit.place },
      edit.place === undefined ? null : this.parts.verdictAbout(edit.place),
      (reason) => this.parts.changes.update(record, edit, version, reason),
      (outcome) => {
        saved = outcome.booking;
        this.#done(`${edit.person?.name ?? nameOf(record)} saved`, place, outcome);
      },
      (refusal) => {
        this.#refused('Not saved', record, refusal);
      },
    );
    return saved;
  }

  cancel(record: GridRecord, reason: string): void {
    void this.#attempt(
      'Cancel against the rules?',
      null,
      null,
      (override) => this.parts.changes.cancel(record, reason, override),
      (outcome) => {
        this.#done(`${nameOf(record)} ${record.kind === 'block' ? 'removed' : 'cancelled'}`, record, outcome);
      },
      (refusal) => {
        this.#refused('Not cancelled', record, refusal);
      },
    );
  }

  attend(record: GridRecord): void {
    void this.#simply(
      `${nameOf(record)} is here`,
      record,
      this.parts.changes.attend(record, this.parts.clock.read()),
    );
  }

  noShow(record: GridRecord): void {
    void this.#simply(`${nameOf(record)} did not come`, record, this.parts.changes.noShow(record));
  }

  async #simply(title: string, record: GridRecord, going: Promise<Outcome>): Promise<void> {
    const outcome = await going;
    if (outcome.ok) this.#done(title, record, outcome);
    else this.#refused('Not done', record, refusalOf(outcome.nak));
  }

  async #undo(bookingId: string): Promise<void> {
    const outcome = await this.parts.changes.undo(bookingId, this.parts.grid.get(bookingId) ?? null);
    if (outcome.ok) this.parts.notices.show({ tone: 'plain', about: bookingId, title: 'Taken back' });
    else this.#refused('Not taken back', null, refusalOf(outcome.nak));
  }

  /** Tries; where the rules refuse what may be overridden, asks for a reason and tries once more. */
  async #attempt(
    title: string,
    draft: Draft | null,
    known: DraftVerdict | null,
    change: (reason?: string) => Promise<Outcome>,
    done: (outcome: Outcome & { ok: true }) => void,
    refused: (refusal: Refusal) => void,
  ): Promise<void> {
    let reason: string | undefined;
    if (known?.tone === 'overridable') {
      const asked = await this.#askReason(title, draft, known);
      if (!asked.given) return;
      reason = asked.text;
    }
    const outcome = await change(reason);
    if (outcome.ok) {
      done(outcome);
      return;
    }
    if (reason === undefined && this.#isOverridable(outcome.nak)) {
      const asked = await this.#askReason(title, draft, refusalOf(outcome.nak));
      if (!asked.given) return;
      const again = await change(asked.text);
      if (again.ok) done(again);
      else refused(refusalOf(again.nak));
      return;
    }
    refused(refusalOf(outcome.nak));
  }

  #askReason(title: string, draft: Draft | null, refusal: Refusal): Promise<Reason> {
    const { question } = this.parts;
    return new Promise((resolve) => {
      const record = draft?.record ?? null;
      question.value = {
        ask: 'override',
        title,
        draft,
        violations: refusal.violations,
        suggestions: refusal.suggestions,
        answer: (text) => {
          question.value = null;
          resolve(text === null ? { given: false } : { given: true, text });
        },
        choose:
          record === null
            ? null
            : (place) => {
                question.value = null;
                resolve({ given: false });
                this.move(record, place);
              },
      };
    });
  }

  #isOverridable(nak: Nak): boolean {
    const violations = nak.violations ?? [];
    return (
      this.parts.mayOverride() &&
      violations.length > 0 &&
      violations.every((violation) => violation.overridable)
    );
  }

  #done(title: string, place: Place, outcome: Outcome & { ok: true }): void {
    const undo = { label: 'Undo', run: () => void this.#undo(outcome.booking.id) };
    this.parts.notices.show({
      tone: 'good',
      about: outcome.booking.id,
      title,
      detail: this.parts.placeLabel(place),
      ...(this.parts.mayOverride() ? { actions: [undo], lifetime: UNDO_MS } : {}),
    });
  }

  #refused(title: string, record: GridRecord | null, refusal: Refusal): void {
    const chips: NoticeAction[] =
      record === null
        ? []
        : refusal.suggestions.slice(0, CHIPS).map((place) => ({
            label: this.parts.placeLabel(place),
            run: () => {
              this.move(record, place);
            },
          }));
    this.parts.notices.show({
      tone: 'bad',
      ...(record === null ? {} : { about: record.id }),
      title: record === null ? title : `${title}: ${nameOf(record)}`,
      detail: refusal.violations.map((violation) => violation.message).join(' '),
      actions: chips,
      lifetime: 12_000,
    });
  }
}

type Reason =
  { readonly given: true; readonly text: string } | { readonly given: false; readonly text?: undefined };

/** What was done to a record that stands at `place` now. */
function movementOf(record: GridRecord, place: Place): string {
  const by = place.end - place.start - (record.end - record.start);
  return by === 0 ? 'moved' : by > 0 ? 'extended' : 'shortened';
}

export function nameOf(record: GridRecord): string {
  if (record.kind === 'block') return record.reason ?? 'Block';
  return record.who === null || record.who === undefined || record.who === '' ? 'Booking' : record.who;
}

/** Faults that are no rule's have a status and a code alone. */
const WORDS: Readonly<Record<string, string>> = {
  stale: 'Somebody changed this booking meanwhile; look at it again.',
  unavailable: 'It cannot be saved at the moment. Try again shortly.',
  forbidden: 'You may not do this.',
  not_found: 'This booking is no longer there.',
  not_active: 'This booking is no longer active.',
  too_early: 'It is too early for this.',
  hold_expired: 'The hold has expired.',
  too_many_requests: 'Too many changes at once. Wait a moment.',
};

function refusalOf(nak: Nak | Refusal): Refusal {
  if (!('t' in nak)) return nak;
  const violations: readonly Violation[] =
    nak.violations !== undefined && nak.violations.length > 0
      ? nak.violations
      : [
          {
            code: nak.code,
            message: WORDS[nak.code] ?? nak.detail ?? 'The server refused this.',
            overridable: false,
          },
        ];
  return { violations, suggestions: (nak.suggestions ?? []).map(placeOf) };
}
