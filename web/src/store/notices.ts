/**
 * What the app has to say: toasts for everybody, and sentences for screen readers. Belongs here: queueing, and thinning
 * out so that a busy hour is not read out word by word. Does not belong here: how they look.
 */

import { signal } from '@preact/signals';

export interface NoticeAction {
  readonly label: string;
  readonly run: () => void;
}

export interface Notice {
  readonly id: number;
  readonly tone: 'plain' | 'good' | 'warning' | 'bad';
  readonly title: string;
  readonly detail?: string;
  readonly actions: readonly NoticeAction[];
  /** A later notice about the same thing takes this one's place. */
  readonly about?: string;
  /** How long it stays, when nobody dismisses it. */
  readonly lifetime: number;
}

export const ANNOUNCEMENT_INTERVAL_MS = 1_500;
/** What the keyboard does is read out as soon as it rests. */
export const FOLLOWING_MS = 250;
const AT_MOST = 4;

export class Notices {
  readonly shown = signal<readonly Notice[]>([]);
  /** The sentence that a polite live region holds now. */
  readonly announced = signal('');
  /** Where the thing in the hand is, for who carries it without looking. */
  readonly followed = signal('');
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();
  #count = 0;
  #waiting: string[] = [];
  #following: ReturnType<typeof setTimeout> | undefined;

  /** Shows a toast and reads it out; returns its id, for `dismiss`. */
  show(
    notice: Omit<Notice, 'id' | 'actions' | 'lifetime'> & Partial<Pick<Notice, 'actions' | 'lifetime'>>,
  ): number {
    this.#count += 1;
    for (const other of this.shown.value) {
      // A refusal changed nothing: an undo offered before it still holds.
      const holds = notice.tone === 'bad' && other.tone !== 'bad';
      if (other.about !== undefined && other.about === notice.about && !holds) this.dismiss(other.id);
    }
    const id = this.#count;
    const full: Notice = { actions: [], lifetime: 7_000, ...notice, id };
    const shown = [...this.shown.value, full];
    for (const surplus of shown.slice(0, -AT_MOST)) this.dismiss(surplus.id);
    this.shown.value = shown.slice(-AT_MOST);
    this.keep(id, false);
    this.announce(notice.detail === undefined ? notice.title : `${notice.title}. ${notice.detail}`);
    return id;
  }

  dismiss(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.shown.value = this.shown.value.filter((notice) => notice.id !== id);
  }

  /** A pointer or the focus rests on it: it does not go away meanwhile. */
  keep(id: number, held: boolean): void {
    clearTimeout(this.#timers.get(id));
    const notice = this.shown.value.find((other) => other.id === id);
    if (held || notice === undefined) return;
    this.#timers.set(
      id,
      setTimeout(() => {
        this.dismiss(id);
      }, notice.lifetime),
    );
  }

  /** Reads out how one thing stands now; only the last word on it counts. */
  follow(sentence: string): void {
    clearTimeout(this.#following);
    this.#following = setTimeout(() => {
      this.followed.value = sentence;
    }, FOLLOWING_MS);
  }

  /** Reads a sentence out, soon: what comes close together is read together, and a crowd as its number. */
  announce(sentence: string): void {
    this.#waiting.push(sentence);
    if (this.#waiting.length > 1) return;
    setTimeout(() => {
      const sentences = this.#waiting;
      this.#waiting = [];
      const crowd = sentences.length > 3;
      this.announced.value = crowd
        ? `${sentences.slice(-2).join('. ')}. And ${String(sentences.length - 2)} more changes`
        : sentences.join('. ');
    }, ANNOUNCEMENT_INTERVAL_MS);
  }
}
