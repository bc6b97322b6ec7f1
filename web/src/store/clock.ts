/**
 * What time the server says it is. Belongs here: the offset to this machine's clock, and signals that move with it. Does
 * not belong here: zones (`layout/labels`).
 */

import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals';

import type { Instant } from '../wire/instant';

/** How often the now-line moves. */
export const NOW_INTERVAL_MS = 30_000;

export class Clock {
  #offset = 0;
  readonly #second: Signal<Instant>;
  readonly #moving: ReturnType<typeof setInterval>;
  #ticking: ReturnType<typeof setInterval> | undefined;
  /** Now, moving every 30 s. */
  readonly now: Signal<Instant>;
  /** Now to the second, for countdowns; it ticks only while somebody looks at it. */
  readonly second: ReadonlySignal<Instant>;

  constructor() {
    this.now = signal(this.read());
    this.#second = signal(this.read(), {
      watched: () => {
        this.#second.value = this.read();
        this.#ticking = setInterval(() => {
          this.#second.value = this.read();
        }, 1000);
      },
      unwatched: () => {
        clearInterval(this.#ticking);
      },
    });
    this.second = computed(() => this.#second.value);
    this.#moving = setInterval(() => {
      this.now.value = this.read();
    }, NOW_INTERVAL_MS);
  }

  /** Stands still for good. */
  stop(): void {
    clearInterval(this.#moving);
    clearInterval(this.#ticking);
  }

  read(): Instant {
    return Math.floor(Date.now() / 1000) + this.#offset;
  }

  /** The server told its time. Differences of a second are the network's, and not worth a repaint. */
  set(serverTime: Instant): void {
    const offset = serverTime - Math.floor(Date.now() / 1000);
    if (Math.abs(offset - this.#offset) <= 1) return;
    this.#offset = offset;
    this.now.value = this.read();
  }
}
