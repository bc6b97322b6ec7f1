/** What the back office reads, and its shapes as the server gives them. */

import { read } from './http';

export interface Page<Item> {
  items: readonly Item[];
  next_cursor: string | null;
}

/** A booking as support may tell it. */
export interface ContextBooking {
  id: string;
  code: string;
  status: string;
  location_name: string;
  timezone: string;
  resource_name: string;
  start_time: string;
  end_time: string;
  note: string | null;
  reschedule_count: number;
  attended_at: string | null;
  cancel_reason: string | null;
}

export interface Restriction {
  restriction_type: string;
  value: number | null;
  expires_at: string | null;
}

/** What there is to tell of a customer beside a conversation (X1). */
export interface Context {
  customer: { id: number; name: string; email: string | null; phone: string | null; active: boolean };
  membership_tier: string | null;
  tags: readonly string[];
  has_booking: boolean;
  booking_in: number | null;
  booking_details: ContextBooking | null;
  upcoming: readonly ContextBooking[];
  history: readonly ContextBooking[];
  restrictions: readonly Restriction[];
  thread_id: string | null;
  asked_at: string;
}

export interface Thread {
  thread_id: string;
  customer: { id: number; name: string } | null;
  last_asked_at: string;
}

export interface ThreadEntry {
  id: number;
  asked_at: string;
  asked_by: { user_id: number | null; name: string };
  asked: Readonly<Record<string, string | number>>;
  answer: Context | null;
}

/** How support knows a customer. */
export const LOOKUPS = ['email', 'phone', 'hubspot_id', 'customer_id'] as const;
export type Lookup = (typeof LOOKUPS)[number];

export function readContext(lookup: Lookup, value: string, thread: string): Promise<Context> {
  return read(`/api/context${query({ [lookup]: value, thread_id: thread })}`);
}

export function readThreads(cursor: string | null = null): Promise<Page<Thread>> {
  return read(`/api/context/threads${query({ cursor })}`);
}

export function readThread(id: string, cursor: string | null = null): Promise<Page<ThreadEntry>> {
  return read(`/api/context/threads/${encodeURIComponent(id)}${query({ cursor })}`);
}

/** A message to somebody, and what became of it. */
export interface Notification {
  id: number;
  kind: string;
  channel: 'sms' | 'email';
  recipient: string;
  subject: string | null;
  body: string;
  status: string;
  error: string | null;
  created_at: string;
}

export function readNotifications(cursor: string | null = null): Promise<Page<Notification>> {
  return read(`/api/admin/notifications${query({ cursor })}`);
}

/** What somebody keeps being refused (R22). */
export interface Pattern {
  user_id: number | null;
  subject: string;
  rule: string;
  code: string;
  location_id: number;
  resource_id: number;
  hour_of_week: number;
  frequency: number;
  last_seen_at: string;
  last_context: { violations: readonly { message: string }[] };
}

export function readPatterns(location: number | null, cursor: string | null = null): Promise<Page<Pattern>> {
  return read(`/api/admin/patterns${query({ location_id: location, cursor })}`);
}

/** `?a=1&b=2` of what is neither null nor empty. */
export function query(values: Readonly<Record<string, string | number | null>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== '');
  if (given.length === 0) return '';
  return `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()}`;
}

export const GROUPINGS = ['day', 'weekday', 'hour', 'resource', 'location'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** What was booked of the time there was; minutes, and a share or null where there was nothing to book. */
export interface Figures {
  open_minutes: number;
  blocked_minutes: number;
  booked_minutes: number;
  no_show_minutes: number;
  utilisation: number | null;
  bookings: number;
  no_shows: number;
  attended: number;
  cancellations: number;
  late_cancellations: number;
  own_cancellations: number;
  lead_time_minutes: number | null;
}

export interface FiguresItem extends Figures {
  key: string | number;
  name: string | null;
  location_id: number | null;
}

/** A report on local days (Y1). */
export interface Report {
  from: string;
  to: string;
  group_by: Grouping;
  timezone: string | null;
  items: readonly FiguresItem[];
  totals: Figures;
  peaks: readonly (string | number)[];
}

/** What is asked of a report: the local days from `from` up to, and without, `to`. */
export interface ReportQuestion {
  location: number | null;
  from: string;
  to: string;
  grouping: Grouping;
}

export function readReport(question: ReportQuestion): Promise<Report> {
  return read(reportAddress(question, 'json'));
}

/** Where the same report is as a table to keep. */
export function reportAddress(question: ReportQuestion, format: 'json' | 'csv'): string {
  return `/api/admin/bookings/analytics${query({
    location_id: question.location,
    from: question.from,
    to: question.to,
    group_by: question.grouping,
    format: format === 'csv' ? format : null,
  })}`;
}
