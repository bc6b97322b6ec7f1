/** Words for records and their states, the same on cards, in the panel and for screen readers. */

import type { ZoneLabels } from '../layout/labels';
import type { DrawnRecord } from '../store/pending';
import type { DraftVerdict } from './desk';
import type { BlockType, GridRecord } from '../wire/messages';

export const BLOCK_LABELS: Readonly<Record<BlockType, string>> = {
  MAINTENANCE: 'Maintenance',
  TRAINING: 'Training',
  PRIVATE_EVENT: 'Private event',
  BLOCKED: 'Blocked',
};

export function titleOf(record: GridRecord): string {
  if (record.kind === 'block') return blockLabel(record);
  if (record.who !== undefined && record.who !== null && record.who !== '') return record.who;
  if (record.status === 'busy') return 'Busy';
  return record.kind === 'hold' ? 'Held' : 'Booking';
}

export function blockLabel(record: GridRecord): string {
  return record.type === undefined || record.type === 'CUSTOMER' ? 'Blocked' : BLOCK_LABELS[record.type];
}

/** `Here`, `Completed`, …: the one word of a record's state. */
export function stateOf({ record, certainty }: DrawnRecord): string {
  if (certainty === 'pending') return 'Saving…';
  if (certainty === 'unknown') return 'Not known yet';
  if (record.status === 'busy') return '';
  if (record.kind === 'block') return record.reason ?? '';
  if (record.kind === 'hold') return 'Held';
  if (record.status === 'completed') return 'Completed';
  if (record.attended_at !== undefined && record.attended_at !== null) return 'Here';
  return 'Confirmed';
}

export const VERDICT_WORDS: Readonly<Record<DraftVerdict['tone'], string>> = {
  checking: 'Checking…',
  allowed: 'Free',
  overridable: 'Needs a reason',
  refused: 'Not possible',
};

/** The verdict in a word, and why. */
export function verdictSentence(verdict: DraftVerdict): string {
  const [first, ...others] = verdict.violations;
  const more = others.length > 0 ? ` (and ${String(others.length)} more)` : '';
  return first === undefined
    ? VERDICT_WORDS[verdict.tone]
    : `${VERDICT_WORDS[verdict.tone]}: ${first.message}${more}`;
}

/** The whole card as a sentence. */
export function sentenceOf(drawn: DrawnRecord, labels: ZoneLabels): string {
  const { record } = drawn;
  const parts = [titleOf(record), labels.range(record.start, record.end), stateOf(drawn)];
  if (record.note !== undefined && record.note !== null && record.note !== '')
    parts.push(`note: ${record.note}`);
  return parts.filter((part) => part !== '').join(', ');
}
