/**
 * The watching of one location, and the client's rule: which messages continue the state held, which do not, and what to
 * ask for then (W2). Pure: messages in, one step out. Does not belong here: holding the records (`store/grid`), sending.
 */

import type { ClientMessage, Diff, DiffOp, Snapshot } from './messages';

/** A tick may run ahead of the diff that it counts; only after this long is that a gap. */
export const GAP_PATIENCE_MS = 2_000;

export type Step =
  | { do: 'ignore' }
  | { do: 'replace'; snapshot: Snapshot }
  | { do: 'apply'; ops: readonly DiffOp[]; version: number }
  | { do: 'subscribe'; message: ClientMessage };

const IGNORE: Step = { do: 'ignore' };

export class Subscription {
  readonly location: number;
  #from: string;
  #days: number;
  #have: { epoch: string; version: number } | null = null;
  /** The state held is of the window that is asked for, so that `since` may be said. */
  #current = false;
  /** An answer to `subscribe` is under way: another gap asks for nothing more. */
  #waiting = false;
  #ahead: { version: number; noticedAt: number } | null = null;

  constructor(location: number, from: string, days: number) {
    this.location = location;
    this.#from = from;
    this.#days = days;
  }

  get version(): number | null {
    return this.#have?.version ?? null;
  }

  /** Asks for another window of the same location; the old one stays in use until the snapshot comes. */
  look(from: string, days: number): ClientMessage {
    this.#from = from;
    this.#days = days;
    this.#current = false;
    return this.request();
  }

  /** What to say to the server now: from the version held on, where there is one of this very window. */
  request(): ClientMessage {
    this.#waiting = true;
    this.#ahead = null;
    const since = this.#current && this.#have !== null ? { since: { ...this.#have } } : {};
    return { t: 'subscribe', location: this.location, from: this.#from, days: this.#days, ...since };
  }

  /** Forgets the state held, and asks for all of it (`resync`, a `reload`, a tick from the past). */
  restart(): Step {
    this.#current = false;
    return { do: 'subscribe', message: this.request() };
  }

  onSnapshot(snapshot: Snapshot): Step {
    // A snapshot of a window that was left meanwhile: the one asked for is still to come.
    if (snapshot.from !== this.#from || snapshot.days !== this.#days) return IGNORE;
    this.#have = { epoch: snapshot.epoch, version: snapshot.version };
    this.#current = true;
    this.#waiting = false;
    this.#ahead = null;
    return { do: 'replace', snapshot };
  }

  onDiff(diff: Diff): Step {
    const have = this.#have;
    if (have === null) return IGNORE;
    if (diff.epoch !== have.epoch || diff.base > have.version) {
      return this.#waiting ? IGNORE : { do: 'subscribe', message: this.request() };
    }
    if (this.#current) this.#waiting = false;
    if (diff.version <= have.version) return IGNORE;
    const ops = diff.base === have.version ? diff.ops : diff.ops.filter((op) => op[0] > have.version);
    have.version = diff.version;
    if (this.#ahead !== null && this.#ahead.version <= have.version) this.#ahead = null;
    return { do: 'apply', ops, version: diff.version };
  }

  /** `version` is what the server's tick names for this location, `now` any clock in milliseconds. */
  onTick(version: number, now: number): Step {
    if (this.#have === null || !this.#current) return IGNORE;
    if (version < this.#have.version) return this.#waiting ? IGNORE : this.restart();
    if (version > this.#have.version) this.#ahead ??= { version, noticedAt: now };
    return IGNORE;
  }

  /** When to call `onOverdue`, on the clock of `onTick`; null while no tick is ahead of the state held. */
  get overdueAt(): number | null {
    return this.#ahead === null ? null : this.#ahead.noticedAt + GAP_PATIENCE_MS;
  }

  onOverdue(now: number): Step {
    if (this.overdueAt === null || now < this.overdueAt) return IGNORE;
    return { do: 'subscribe', message: this.request() };
  }

  /** The link is gone; whatever answer was under way will not come. */
  disconnected(): void {
    this.#waiting = false;
    this.#ahead = null;
  }
}
