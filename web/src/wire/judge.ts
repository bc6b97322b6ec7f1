/**
 * Asking for verdicts while something is dragged (G8). Only the latest question counts: an earlier one is not answered
 * by the server, and would not be listened to here. Does not belong here: showing the verdict.
 */

import type { Arguments, ClientMessage, Nak, Operation, Verdict } from './messages';

/** Questions at least this far apart; the last one of a burst is always asked. */
export const JUDGE_INTERVAL_MS = 40;

type Listener = (verdict: Omit<Verdict, 't' | 'id'>) => void;

export class Judge {
  readonly #send: (message: ClientMessage) => boolean;
  #count = 0;
  #question: { id: string; op: Operation; args: Arguments; listener: Listener } | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #askedAt = -Infinity;

  constructor(send: (message: ClientMessage) => boolean) {
    this.#send = send;
  }

  /** Replaces whatever was asked before; its listener is never called after this. */
  ask(op: Operation, args: Arguments, listener: Listener): void {
    this.#count += 1;
    this.#question = { id: `judge-${String(this.#count)}`, op, args, listener };
    if (this.#timer !== undefined) return;
    const wait = this.#askedAt + JUDGE_INTERVAL_MS - Date.now();
    if (wait <= 0) this.#transmit();
    else
      this.#timer = setTimeout(() => {
        this.#transmit();
      }, wait);
  }

  /** Nothing is asked any more. */
  forget(): void {
    this.#question = null;
  }

  /** The link is live again: the question that waits is asked again. */
  resend(): void {
    this.#transmit();
  }

  /** Whether the message answered a question of ours, even an overtaken one. */
  receive(message: Verdict | Nak): boolean {
    if (message.id === undefined || !message.id.startsWith('judge-')) return false;
    const question = this.#question;
    if (question?.id !== message.id) return true;
    this.#question = null;
    if (message.t === 'verdict') question.listener(message);
    else {
      const violations = message.violations ?? [];
      const told =
        violations.length > 0
          ? violations
          : [{ code: message.code, message: message.detail ?? '', overridable: false }];
      question.listener({
        allowed: false,
        overridable: false,
        violations: told,
        suggestions: message.suggestions ?? [],
      });
    }
    return true;
  }

  #transmit(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#question === null) return;
    const { id, op, args } = this.#question;
    this.#askedAt = Date.now();
    this.#send({ t: 'judge', id, op, args });
  }
}
