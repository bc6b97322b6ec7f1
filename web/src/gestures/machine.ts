/**
 * Runs the gestures: holds the present one, passes inputs to it, and times the long press. Belongs here: nothing that a
 * single gesture could know. Does not belong here: DOM events (`render/pointer`).
 */

import { signal } from '@preact/signals';

import type { Change } from '../store/grid';
import type { Context, Draft, Gesture, Point, PointerKind, Target } from './gesture';
import { Idle } from './idle';

export const LONG_PRESS_MS = 350;

export class GestureMachine {
  /** What would come of letting go now; null when nothing is dragged. */
  readonly draft = signal<Draft | null>(null);
  readonly name = signal<Gesture['name']>('idle');
  #gesture: Gesture;
  #hold: ReturnType<typeof setTimeout> | undefined;

  constructor(
    context: Context,
    /** A long press has become a drag: the moment for a small vibration. */
    private readonly onGrip: () => void = () => undefined,
  ) {
    this.#gesture = new Idle(context);
  }

  get captures(): boolean {
    return this.#gesture.captures;
  }

  press(point: Point, target: Target, kind: PointerKind): void {
    this.#enter(this.#gesture.onPress(point, target, kind));
    if (kind !== 'touch' || this.#gesture.name !== 'pointing') return;
    this.#hold = setTimeout(() => {
      this.#enter(this.#gesture.onHeld());
      if (this.#gesture.captures) this.onGrip();
    }, LONG_PRESS_MS);
  }

  move(point: Point): void {
    this.#enter(this.#gesture.onMove(point));
  }

  release(point: Point): void {
    this.#enter(this.#gesture.onRelease(point));
  }

  cancel(): void {
    this.#enter(this.#gesture.onCancel());
  }

  /** Diffs arrived while something may be dragged. */
  remote(changes: readonly Change[]): void {
    for (const change of changes) this.#enter(this.#gesture.onRemoteChange(change.id, change.after));
  }

  #enter(next: Gesture): void {
    if (next === this.#gesture) return;
    if (next.name !== 'pointing') clearTimeout(this.#hold);
    this.#gesture = next;
    this.name.value = next.name;
    this.draft.value = next.draft;
  }
}
