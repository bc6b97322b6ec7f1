/**
 * What all gestures share: what they are told, what they may look at, and what they bring about. A gesture is a state;
 * each answer to an input is the next one. Pure: no DOM, no timers, no drawing (see `machine` and `render/pointer`).
 */

import type { ColumnLayout } from '../layout/columns';
import type { DayLayout } from '../layout/day';
import type { Place } from '../store/changes';
import type { GridRecord, Resource } from '../wire/messages';

/** A pointer over the grid, in pixels of the grid's body (which scrolls). */
export interface Point {
  readonly x: number;
  readonly y: number;
  /** Whether it is over the part of the grid that can be seen; a drop elsewhere cancels. */
  readonly inside: boolean;
}

export type PointerKind = 'mouse' | 'touch' | 'pen';

/** What the pointer went down on. */
export type Target =
  | { readonly on: 'cell' }
  | { readonly on: 'record'; readonly id: string; readonly part: 'body' | 'start' | 'end' };

/** What would come of letting go now. */
export interface Draft extends Place {
  readonly kind: 'create' | 'move' | 'resize';
  /** The record that is moved or resized, as it is now on the grid. */
  readonly record: GridRecord | null;
  /** False where letting go would cancel. */
  readonly inside: boolean;
}

/** What gestures may look at. */
export interface Surface {
  readonly day: () => DayLayout | null;
  readonly columns: () => ColumnLayout;
  readonly resources: () => readonly Resource[];
  readonly record: (id: string) => GridRecord | null;
  /** Whether the record may be moved or resized by this person, now. */
  readonly movable: (record: GridRecord) => boolean;
  /** Whether this person may draw new bookings. */
  readonly bookable: () => boolean;
  /** How long a booking is that nobody drew: the location's shortest, in seconds. */
  readonly defaultSeconds: () => number;
}

/** What gestures bring about. */
export interface Effects {
  /** A new booking was drawn; it stays a draft until somebody says whom it is for. */
  readonly compose: (place: Place) => void;
  /** A record was dropped somewhere else, or with another length. */
  readonly drop: (record: GridRecord, place: Place) => void;
  /** A record was pressed without being dragged. */
  readonly open: (id: string) => void;
  /** The cell under a press becomes the keyboard's cell. */
  readonly point: (column: number, row: number) => void;
  /** The dragged record was changed or taken away by somebody else. */
  readonly overtaken: (record: GridRecord, gone: boolean) => void;
}

export interface Context {
  readonly surface: Surface;
  readonly effects: Effects;
}

export interface Gesture {
  readonly name: 'idle' | 'pointing' | 'creating' | 'moving' | 'resizing';
  readonly draft: Draft | null;
  /** Whether touches must not scroll the page. */
  readonly captures: boolean;
  onPress(point: Point, target: Target, kind: PointerKind): Gesture;
  onMove(point: Point): Gesture;
  onRelease(point: Point): Gesture;
  onCancel(): Gesture;
  /** A finger has rested long enough to mean it. */
  onHeld(): Gesture;
  /** A diff changed the record, or took it away (`null`) (G10). */
  onRemoteChange(id: string, record: GridRecord | null): Gesture;
}
