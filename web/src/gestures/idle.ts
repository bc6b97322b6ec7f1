/** Nothing is going on. */

import type { Context, Gesture, Point, PointerKind, Target } from './gesture';
import { Pointing } from './pointing';

export class Idle implements Gesture {
  readonly name = 'idle';
  readonly draft = null;
  readonly captures = false;

  constructor(private readonly context: Context) {}

  onPress(point: Point, target: Target, kind: PointerKind): Gesture {
    const { surface } = this.context;
    if (surface.day() === null || surface.columns().indexAt(point.x) < 0) return this;
    return new Pointing(this.context, point, target, kind);
  }

  onMove(): Gesture {
    return this;
  }

  onRelease(): Gesture {
    return this;
  }

  onCancel(): Gesture {
    return this;
  }

  onHeld(): Gesture {
    return this;
  }

  onRemoteChange(): Gesture {
    return this;
  }
}
