/**
 * The pointer is down, and it is not known yet whether this is a press or a drag. A mouse decides by moving a little; a
 * finger by resting, since one that moves at once wants to scroll.
 */

import type { GridRecord } from '../wire/messages';
import { Creating } from './creating';
import type { Context, Gesture, Point, PointerKind, Target } from './gesture';
import { Idle } from './idle';
import { Moving } from './moving';
import { Resizing } from './resizing';

const MOUSE_SLOP = 4;
const TOUCH_SLOP = 10;

export class Pointing implements Gesture {
  readonly name = 'pointing';
  readonly draft = null;
  readonly captures = false;

  constructor(
    private readonly context: Context,
    private readonly origin: Point,
    private readonly target: Target,
    private readonly kind: PointerKind,
  ) {}

  onPress(): Gesture {
    // A second finger: this is a pinch, not a booking.
    return this.onCancel();
  }

  onMove(point: Point): Gesture {
    const distance = Math.hypot(point.x - this.origin.x, point.y - this.origin.y);
    if (this.kind === 'touch') return distance > TOUCH_SLOP ? this.onCancel() : this;
    return distance > MOUSE_SLOP ? this.#drag().onMove(point) : this;
  }

  onRelease(): Gesture {
    const { surface, effects } = this.context;
    const day = surface.day();
    const column = surface.columns().indexAt(this.origin.x);
    const resource = surface.resources()[column];
    if (day === null || resource === undefined) return new Idle(this.context);
    const row = day.rowAt(this.origin.y);
    effects.point(column, row);
    if (this.target.on === 'record') effects.open(this.target.id);
    else {
      const { start, end } = day.row(row);
      effects.compose({
        resource_id: resource.id,
        start,
        end: Math.max(end, start + surface.defaultSeconds()),
      });
    }
    return new Idle(this.context);
  }

  onCancel(): Gesture {
    return new Idle(this.context);
  }

  onHeld(): Gesture {
    return this.kind === 'touch' ? this.#drag() : this;
  }

  onRemoteChange(id: string, record: GridRecord | null): Gesture {
    return record === null && this.target.on === 'record' && this.target.id === id ? this.onCancel() : this;
  }

  /** What a drag from here is; on a record that may not be moved, or where nothing may be drawn, nothing. */
  #drag(): Gesture {
    if (this.target.on === 'cell')
      return this.context.surface.bookable()
        ? Creating.from(this.context, this.origin)
        : new Idle(this.context);
    const record = this.context.surface.record(this.target.id);
    if (record === null || !this.context.surface.movable(record)) return new Idle(this.context);
    if (this.target.part === 'body') return Moving.from(this.context, this.origin, record);
    return new Resizing(this.context, record, this.target.part, null);
  }
}
