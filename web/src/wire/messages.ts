/**
 * The messages of the live wire, subprotocol `baygrid.v1`, with the names that the server gives them. Belongs here: their
 * shapes. Does not belong here: bytes (`codec`), what a client does on receiving one (`subscription`, `connection`).
 */

import type { Instant } from './instant';

export const PROTOCOL = 1;
export const SUBPROTOCOL = 'baygrid.v1';

export type Role = 'admin' | 'operator' | 'staff' | 'customer' | 'kiosk';
export type BlockType = 'MAINTENANCE' | 'TRAINING' | 'PRIVATE_EVENT' | 'BLOCKED';

/** What occupies time on a resource, as staff see it; customers and kiosks get the first six fields. */
export interface GridRecord {
  id: string;
  resource_id: number;
  start: Instant;
  end: Instant;
  kind: 'booking' | 'hold' | 'block';
  status: string;
  type?: 'CUSTOMER' | BlockType;
  user_id?: number | null;
  who?: string | null;
  note?: string | null;
  series_id?: string | null;
  attended_at?: Instant | null;
  reschedule_count?: number;
  reason?: string | null;
  created_by?: number | null;
  expires_at?: Instant | null;
}

export interface Resource {
  id: number;
  name: string;
  position: number;
  active?: boolean;
}

export interface Blackout {
  id: number;
  start: Instant;
  end: Instant;
  resource_ids?: readonly number[] | null;
  reason?: string | null;
}

export interface Violation {
  code: string;
  message: string;
  params?: Readonly<Record<string, unknown>>;
  overridable: boolean;
}

/** A place in time that would be accepted, or that is taken. */
export interface Suggestion {
  resource_id: number;
  start_time: string;
  end_time: string;
}

export interface Drag {
  resource_id: number;
  start_time: string;
  end_time: string;
  booking_id?: string;
}

export interface Since {
  epoch: string;
  version: number;
}

export type Operation =
  'create' | 'reschedule' | 'update' | 'cancel' | 'confirm' | 'no_show' | 'hold' | 'release' | 'undo';

export type Arguments = Readonly<Record<string, unknown>>;

export type ClientMessage =
  | { t: 'hello'; proto: number; token?: string }
  | { t: 'subscribe'; location: number; from: string; days: number; since?: Since }
  | { t: 'unsubscribe'; location: number }
  | { t: 'command'; id: string; op: Operation; args: Arguments }
  | { t: 'judge'; id: string; op: Operation; args: Arguments }
  | { t: 'presence'; location: number; drag?: Drag }
  | { t: 'auth'; token: string }
  | { t: 'ping'; n: number };

export interface Welcome {
  t: 'welcome';
  session: string;
  role: Role;
  user_id: number | null;
  server_time: Instant;
  heartbeat_seconds: number;
}

export interface Snapshot {
  t: 'snapshot';
  location: number;
  epoch: string;
  version: number;
  from: string;
  days: number;
  timezone: string;
  rows: Readonly<Record<string, readonly Instant[]>>;
  resources: readonly Resource[];
  records: readonly GridRecord[];
  blackouts: readonly Blackout[];
}

export type DiffOp =
  | readonly [version: number, kind: 'put', record: GridRecord]
  | readonly [version: number, kind: 'remove', id: string]
  | readonly [version: number, kind: 'reload'];

export interface Diff {
  t: 'diff';
  location: number;
  epoch: string;
  base: number;
  version: number;
  ops: readonly DiffOp[];
}

export interface Ack {
  t: 'ack';
  id: string;
  version?: number | null;
  result: unknown;
}

/** The refusal of a command (with `id`) or of a subscription (with `location`). */
export interface Nak {
  t: 'nak';
  id?: string;
  location?: number;
  status: number;
  code: string;
  detail?: string;
  violations?: readonly Violation[];
  suggestions?: readonly Suggestion[];
  conflicts?: readonly Suggestion[];
}

export interface Verdict {
  t: 'verdict';
  id: string;
  allowed: boolean;
  overridable: boolean;
  violations: readonly Violation[];
  suggestions: readonly Suggestion[];
}

export interface Presence {
  t: 'presence';
  location: number;
  session: string;
  who: string;
  drag?: Drag | null;
}

export interface Tick {
  t: 'tick';
  versions: Readonly<Record<string, number>>;
  server_time: Instant;
}

export interface Stale {
  t: 'stale';
  location: number;
  stale: boolean;
  reason?: string | null;
}

export interface Bye {
  t: 'bye';
  code: number;
  reason: string;
  retry_after_ms?: number | null;
}

export type ServerMessage =
  | Welcome
  | Snapshot
  | Diff
  | Ack
  | Nak
  | Verdict
  | Presence
  | Tick
  | Stale
  | Bye
  | { t: 'own'; location: number; version: number; records: readonly GridRecord[] }
  | { t: 'resync'; location: number; reason: string }
  | { t: 'pong'; n: number };
