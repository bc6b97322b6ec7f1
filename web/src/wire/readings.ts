/** What is read over HTTP, and its shapes as the server gives them. Does not belong here: the live wire's messages. */

import { read } from './http';
import type { Role } from './messages';

export interface User {
  id: number;
  name: string;
  email: string | null;
  phone: string | null;
  role: Role;
  location_ids: readonly number[];
  tags?: readonly string[];
  membership_tier?: string | null;
}

/** How much of Baygrid is switched on; each mode includes those before it. */
export const MODES = ['context', 'view', 'operate', 'full'] as const;
export type Mode = (typeof MODES)[number];

/** Who is signed in, and how much is switched on for them here. */
export interface Me extends User {
  mode: Mode;
}

export interface Location {
  id: number;
  name: string;
  timezone: string;
  slot_minutes: number;
  policy?: { min_duration_minutes?: number };
}

/** A booking as HTTP tells it, and as the `result` of an `ack`. */
export interface Booking {
  id: string;
  code?: string | null;
  location_id: number;
  resource_id: number;
  user_id: number | null;
  visitor: { name: string; phone?: string | null } | null;
  type: string;
  status: string;
  start_time: string;
  end_time: string;
  note: string | null;
  internal_note?: string | null;
  reason?: string | null;
  reschedule_count: number;
  attended_at: string | null;
  created_at: string;
  updated_at: string;
  version: number;
}

interface Items<Item> {
  items: readonly Item[];
}

export async function readMe(): Promise<Me> {
  const { user, mode } = await read<{ user: User; mode: Mode }>('/api/me');
  return { ...user, mode };
}

export function includes(mode: Mode, other: Mode): boolean {
  return MODES.indexOf(mode) >= MODES.indexOf(other);
}

export async function readLocations(): Promise<readonly Location[]> {
  return (await read<Items<Location>>('/api/locations')).items;
}

export function readBooking(id: string): Promise<Booking> {
  return read(`/api/bookings/${encodeURIComponent(id)}`);
}

/** Customers whose name, email or phone holds the text; staff only. */
export async function searchCustomers(text: string): Promise<readonly User[]> {
  return (await read<Items<User>>(`/api/users?limit=8&q=${encodeURIComponent(text)}`)).items;
}
