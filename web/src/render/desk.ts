/**
 * The desk: everything that the views look at and act on, handed down once. Belongs here: its shape, so that views need
 * not know how an app puts it together. Does not belong here: any implementation (`apps/staff/desk`).
 */

import type { ReadonlySignal, Signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

import type { Draft } from '../gestures/gesture';
import type { Keyboard } from '../gestures/keyboard';
import type { GestureMachine } from '../gestures/machine';
import type { ColumnLayout } from '../layout/columns';
import type { DayLayout } from '../layout/day';
import type { ZoneLabels } from '../layout/labels';
import type { Edit, Person, Place } from '../store/changes';
import type { Clock } from '../store/clock';
import type { Ghosts } from '../store/ghosts';
import type { Grid } from '../store/grid';
import type { Notices } from '../store/notices';
import type { DrawnRecord } from '../store/pending';
import type { Phase } from '../wire/connection';
import type { Instant } from '../wire/instant';
import type { GridRecord, Violation } from '../wire/messages';
import type { Booking, Location, User } from '../wire/readings';

/** How far the screen can be believed. */
export interface LinkState {
  readonly phase: Phase;
  /** The database is away: what is shown may lack the latest, and nothing can be saved (P2). */
  readonly stale: boolean;
  /** When the server was last heard. */
  readonly heardAt: Instant | null;
  /** Why the chosen day cannot be shown at present, where it cannot. */
  readonly refused: string | null;
}

/** What the rules say of a draft (G8). Never told by colour alone. */
export interface DraftVerdict {
  readonly tone: 'checking' | 'allowed' | 'overridable' | 'refused';
  readonly violations: readonly Violation[];
  readonly suggestions: readonly Place[];
}

/** Something that only a person can answer, over everything else. */
export type Question =
  | {
      readonly ask: 'override';
      readonly title: string;
      readonly draft: Draft | null;
      readonly violations: readonly Violation[];
      readonly suggestions: readonly Place[];
      readonly answer: (reason: string | null) => void;
      readonly choose: ((place: Place) => void) | null;
    }
  | { readonly ask: 'cancel'; readonly record: GridRecord; readonly answer: (reason: string | null) => void }
  | { readonly ask: 'keys' };

/** What came of booking from the composer: null when it went through. */
export interface Refusal {
  readonly violations: readonly Violation[];
  readonly suggestions: readonly Place[];
}

export interface Desk {
  readonly me: User;
  readonly locations: ReadonlySignal<readonly Location[]>;
  readonly location: ReadonlySignal<Location | null>;
  /** Whether this person may change anything at the location shown. */
  readonly worksHere: ReadonlySignal<boolean>;
  readonly date: ReadonlySignal<string>;
  readonly today: ReadonlySignal<string>;
  readonly link: ReadonlySignal<LinkState>;
  readonly labels: ReadonlySignal<ZoneLabels>;
  readonly day: ReadonlySignal<DayLayout | null>;
  /** Set by the grid's view, which knows how wide it is. */
  readonly columns: Signal<ColumnLayout>;
  readonly compact: Signal<boolean>;

  readonly grid: Grid;
  readonly ghosts: Ghosts;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly machine: GestureMachine;
  readonly keyboard: Keyboard;
  /** The records of a resource on the day shown, with our own pending changes laid over them. */
  readonly drawn: (resourceId: number) => ReadonlySignal<readonly DrawnRecord[]>;

  /** Whatever is dragged, carried, composed or asked about now, and what the rules say of it. */
  readonly draft: ReadonlySignal<Draft | null>;
  readonly verdict: ReadonlySignal<DraftVerdict | null>;
  /** The record in the hand, so that its card steps back meanwhile. */
  readonly dragged: ReadonlySignal<string | null>;
  /** The draft that the booking form is open for; its place may still be changed. */
  readonly composing: Signal<Place | null>;
  /** Whom the open form is for, so that the verdict is about them. */
  readonly person: Signal<Person | null>;
  /** The record that the panel shows. */
  readonly opened: Signal<string | null>;
  /** Where an edit in the panel would put the opened record. */
  readonly preview: Signal<Draft | null>;
  readonly question: Signal<Question | null>;

  readonly movable: (record: GridRecord) => boolean;
  readonly show: (locationId: number) => void;
  readonly look: (date: string) => void;
  readonly resourceName: (resourceId: number) => string;
  readonly placeLabel: (place: Place) => string;

  readonly book: (place: Place, person: Person, note: string) => Promise<Refusal | null>;
  readonly save: (record: GridRecord, edit: Edit, version: number) => Promise<Booking | null>;
  /** Asks first. */
  readonly cancel: (record: GridRecord) => void;
  readonly attend: (record: GridRecord) => void;
  readonly noShow: (record: GridRecord) => void;
  readonly readBooking: (id: string) => Promise<Booking>;
  readonly searchCustomers: (text: string) => Promise<readonly User[]>;
  readonly signOut: () => void;
}

const DeskContext = createContext<Desk | null>(null);
export const DeskProvider = DeskContext.Provider;

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (desk === null) throw new Error('no desk above this view');
  return desk;
}
