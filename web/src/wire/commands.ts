/**
 * Commands on their way. Each is sent under its idempotency key, and again under the same key after every reconnect,
 * until it is answered (G7), so that nothing is done twice and nothing stays unanswered. Does not belong here: how a
 * pending change is drawn (`store/pending`), what commands there are to give (`store/changes`).
 */

import { idempotencyKey } from './key';
import type { Ack, Arguments, ClientMessage, Nak, Operation } from './messages';

/** From then on the screen says that the outcome is not known yet. */
export const DOUBT_AFTER_MS = 4_000;
/** On a live link, a command without an answer is said again. */
export const REPEAT_AFTER_MS = 12_000;

export type Answer = Ack | Nak;

interface Waiting {
  readonly message: ClientMessage & { t: 'command' };
  readonly settle: (answer: Answer) => void;
  readonly doubt: () => void;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class Commands {
  readonly #send: (message: ClientMessage) => boolean;
  readonly #waiting = new Map<string, Waiting>();

  constructor(send: (message: ClientMessage) => boolean) {
    this.#send = send;
  }

  /** How many have no answer yet. */
  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Sends a command now or, with no live link, on the next one.
   *
   * @param onDoubt called when the answer is late; at most once.
   * @returns the key at once, and the answer whenever it comes: an `ack`, or a `nak` (never a rejected promise).
   */
  submit(
    op: Operation,
    args: Arguments,
    onDoubt: () => void = () => undefined,
  ): { key: string; answer: Promise<Answer> } {
    const key = idempotencyKey();
    const answer = new Promise<Answer>((resolve) => {
      let doubted = false;
      const waiting: Waiting = {
        message: { t: 'command', id: key, op, args },
        settle: resolve,
        doubt: () => {
          if (!doubted) onDoubt();
          doubted = true;
        },
        timer: undefined,
      };
      this.#waiting.set(key, waiting);
      this.#transmit(waiting);
    });
    return { key, answer };
  }

  /** Whether the answer was to a command of ours that waits for one. */
  receive(answer: Answer): boolean {
    const waiting = answer.id === undefined ? undefined : this.#waiting.get(answer.id);
    if (waiting === undefined) return false;
    clearTimeout(waiting.timer);
    this.#waiting.delete(waiting.message.id);
    waiting.settle(answer);
    return true;
  }

  /** The link is live again: whatever has no answer is said again, in the order it was first said. */
  resend(): void {
    for (const waiting of this.#waiting.values()) this.#transmit(waiting);
  }

  /** The link is gone: what was sent may have been done or not. */
  disconnected(): void {
    for (const waiting of this.#waiting.values()) waiting.doubt();
  }

  #transmit(waiting: Waiting): void {
    clearTimeout(waiting.timer);
    this.#send(waiting.message);
    waiting.timer = setTimeout(() => {
      waiting.doubt();
      waiting.timer = setTimeout(() => {
        this.#transmit(waiting);
      }, REPEAT_AFTER_MS - DOUBT_AFTER_MS);
    }, DOUBT_AFTER_MS);
  }
}
