/**
 * Telling colleagues of a drag in progress (G9): at most ten times a second, and again every 4 s while it lasts, so that
 * a dead session's ghost can be told from a patient hand. Does not belong here: other people's drags (`store/ghosts`).
 */

import type { ClientMessage, Drag } from './messages';

export const PRESENCE_INTERVAL_MS = 100;
export const PRESENCE_REPEAT_MS = 4_000;

export class PresenceSender {
  readonly #send: (message: ClientMessage) => boolean;
  #location: number | null = null;
  #drag: Drag | null = null;
  #told: Drag | null = null;
  #toldAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (message: ClientMessage) => boolean) {
    this.#send = send;
  }

  /** What is dragged now at the location; null when nothing is any more. */
  show(location: number, drag: Drag | null): void {
    if (this.#location !== null && this.#location !== location) this.#end();
    this.#location = location;
    this.#drag = drag;
    if (drag === null && this.#told === null) return;
    this.#schedule(Math.max(0, this.#toldAt + PRESENCE_INTERVAL_MS - Date.now()));
  }

  #end(): void {
    clearTimeout(this.#timer);
    if (this.#told !== null && this.#location !== null)
      this.#send({ t: 'presence', location: this.#location });
    this.#told = null;
  }

  #schedule(wait: number): void {
    clearTimeout(this.#timer);
    if (wait === 0) this.#tell();
    else
      this.#timer = setTimeout(() => {
        this.#tell();
      }, wait);
  }

  #tell(): void {
    if (this.#location === null) return;
    this.#told = this.#drag;
    this.#toldAt = Date.now();
    this.#send({
      t: 'presence',
      location: this.#location,
      ...(this.#drag === null ? {} : { drag: this.#drag }),
    });
    if (this.#drag !== null) this.#schedule(PRESENCE_REPEAT_MS);
  }
}
