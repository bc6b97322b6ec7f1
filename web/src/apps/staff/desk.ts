/**
 * Puts the staff's desk together: the one place where wire, store, layout and gestures meet. Belongs here: construction
 * and derivations across parts. Does not belong here: anything that one part could do by itself.
 */

import { batch, computed, effect, signal, untracked, type ReadonlySignal } from '@preact/signals';

import type { Draft } from '../../gestures/gesture';
import { Keyboard, type KeyboardSurface } from '../../gestures/keyboard';
import { GestureMachine } from '../../gestures/machine';
import { ColumnLayout } from '../../layout/columns';
import { DayLayout } from '../../layout/day';
import { ZoneLabels } from '../../layout/labels';
import type { Desk, LinkState, Question } from '../../render/desk';
import { verdictSentence } from '../../render/wording';
import { Changes, type Person, type Place } from '../../store/changes';
import { Clock } from '../../store/clock';
import { Ghosts } from '../../store/ghosts';
import { dayInterval, Grid, type Change } from '../../store/grid';
import { Notices } from '../../store/notices';
import { Pending, type DrawnRecord } from '../../store/pending';
import { formatInstant } from '../../wire/instant';
import type { GridRecord } from '../../wire/messages';
import { readBooking, readLocations, searchCustomers, type Location, type User } from '../../wire/readings';
import { Actions, nameOf } from './actions';
import { Link } from './link';
import { rememberLocation, rememberedLocation } from './preferences';
import { placeOf, Verdicts } from './verdicts';

const ROW_HEIGHT = 26;
const COMPACT_ROW_HEIGHT = 32;
const NARROWEST_ROW = 12;

export interface RunningDesk {
  readonly desk: Desk;
  /** The session has a fresh token: for the open link, or to open it again. */
  readonly authenticate: (token: string) => void;
  readonly stop: () => void;
}

export function openDesk(me: User, onSignedOut: () => void, signOut: () => void): RunningDesk {
  const grid = new Grid();
  const pending = new Pending();
  const ghosts = new Ghosts();
  const notices = new Notices();
  const clock = new Clock();

  const locations = signal<readonly Location[]>([]);
  const location = signal<Location | null>(null);
  const chosenDate = signal<string | null>(null);
  const columns = signal(new ColumnLayout(0, 120));
  const compact = signal(false);
  const composing = signal<Place | null>(null);
  const person = signal<Person | null>(null);
  const opened = signal<string | null>(null);
  const preview = signal<Draft | null>(null);
  const question = signal<Question | null>(null);

  const labels = computed(() => new ZoneLabels(location.value?.timezone ?? 'UTC'));
  const today = computed(() => labels.value.date(clock.now.value));
  const date = computed(() => chosenDate.value ?? today.value);
  const resources = computed(() => grid.frame.value?.resources ?? []);
  const day = computed(() => {
    const frame = grid.frame.value;
    const span = dayInterval(frame, date.value);
    const rows = frame?.rows[date.value];
    if (span === null || rows === undefined) return null;
    const slot = (location.value?.slot_minutes ?? 30) * 60;
    const height = Math.max(
      NARROWEST_ROW,
      Math.min(44, ((compact.value ? COMPACT_ROW_HEIGHT : ROW_HEIGHT) * slot) / 1800),
    );
    return new DayLayout(date.value, [...rows, span.end], slot, height);
  });

  const mayOverride = computed(
    () => me.role === 'admin' || (me.role === 'staff' && me.location_ids.includes(location.value?.id ?? -1)),
  );
  /** Staff of another venue see its grid as customers do (A1), and change nothing from here. */
  const worksHere = computed(() => mayOverride.value || me.role === 'operator');
  const movable = (record: GridRecord): boolean =>
    worksHere.peek() &&
    link.phase.peek() === 'live' &&
    !pending.isPending(record.id) &&
    record.status === 'confirmed' &&
    (record.kind === 'booking' || (record.kind === 'block' && me.role === 'admin'));

  const drawnColumns = new Map<string, ReadonlySignal<readonly DrawnRecord[]>>();
  const drawnOn = (resourceId: number, on: string): ReadonlySignal<readonly DrawnRecord[]> => {
    const key = `${String(resourceId)} ${on}`;
    let drawn = drawnColumns.get(key);
    if (drawn === undefined) {
      drawn = pending.over(resourceId, grid.day(resourceId, on));
      drawnColumns.set(key, drawn);
    }
    return drawn;
  };

  const surface: KeyboardSurface = {
    day: () => day.peek(),
    columns: () => columns.peek(),
    resources: () => resources.peek(),
    record: (id) => grid.get(id) ?? null,
    recordAt: (column, row) => {
      const resource = resources.peek()[column];
      const rows = day.peek()?.row(row);
      if (resource === undefined || rows === undefined) return null;
      const covering = drawnOn(resource.id, date.peek())
        .peek()
        .find(({ record }) => record.start < rows.end && rows.start < record.end);
      return covering?.record ?? null;
    },
    movable,
    defaultSeconds: () => (location.peek()?.policy?.min_duration_minutes ?? 60) * 60,
  };
  const resourceName = (id: number): string =>
    resources.value.find((resource) => resource.id === id)?.name ?? `#${String(id)}`;
  const placeLabel = (place: Place): string => {
    const span = dayInterval(grid.frame.value, date.value);
    const elsewhere = span !== null && (place.start < span.start || span.end <= place.start);
    const on = elsewhere ? `${labels.value.date(place.start)}, ` : '';
    return `${resourceName(place.resource_id)}, ${on}${labels.value.range(place.start, place.end)}`;
  };

  const overtaken = (record: GridRecord, gone: boolean): void => {
    notices.show({
      tone: 'warning',
      title: gone ? `${nameOf(record)} was taken off the grid` : `${nameOf(record)} was moved`,
      detail: gone
        ? 'Somebody else did that while you were dragging it.'
        : `By somebody else, to ${placeLabel(record)}.`,
    });
  };
  const compose = (place: Place): void => {
    if (!mayChange()) return;
    batch(() => {
      opened.value = null;
      composing.value = place;
    });
  };
  const open = (id: string): void => {
    // Somebody else's busy time has nothing behind it that may be seen here.
    if (grid.get(id)?.status === 'busy') return;
    batch(() => {
      composing.value = null;
      opened.value = id;
    });
  };
  const mayChange = (): boolean => {
    if (!worksHere.peek()) {
      notices.show({
        tone: 'warning',
        title: 'Only to look at',
        detail: `You do not work at ${location.peek()?.name ?? 'this location'}.`,
      });
      return false;
    }
    if (link.phase.peek() === 'live') return true;
    notices.show({
      tone: 'warning',
      title: 'Not connected',
      detail: 'Changes can be made again when the connection is back.',
    });
    return false;
  };
  const effects = {
    compose,
    open,
    overtaken,
    drop: (record: GridRecord, place: Place) => {
      if (mayChange()) actions.move(record, place);
    },
  };

  const machine = new GestureMachine(
    {
      surface,
      effects: {
        ...effects,
        point: (column, row) => {
          keyboard.place(column, row);
        },
      },
    },
    () => {
      navigator.vibrate?.(12);
    },
  );
  const keyboard = new Keyboard(surface, {
    ...effects,
    cancel: (record) => {
      askToCancel(record);
    },
    carried: (carried) => {
      if (carried === null) notices.follow('Put back');
    },
  });
  const askToCancel = (record: GridRecord): void => {
    question.value = {
      ask: 'cancel',
      record,
      answer: (reason) => {
        question.value = null;
        if (reason !== null && mayChange()) actions.cancel(record, reason);
      },
    };
  };

  const draft = computed<Draft | null>(() => {
    if (machine.draft.value !== null) return machine.draft.value;
    if (keyboard.draft.value !== null) return keyboard.draft.value;
    if (question.value?.ask === 'override' && question.value.draft !== null) return question.value.draft;
    if (preview.value !== null) return preview.value;
    return composing.value === null
      ? null
      : { kind: 'create', record: null, inside: true, ...composing.value };
  });

  const dragged = computed(() => draft.value?.record?.id ?? null);

  const link = new Link({
    grid,
    pending,
    ghosts,
    clock,
    onSignedOut,
    onChanges: (changes, by) => {
      machine.remote(changes);
      for (const change of changes) keyboard.remote(change.id, change.after);
      if (by === 'diff') announce(changes);
      const gone = changes.some((change) => change.id === opened.peek() && change.after === null);
      if (gone) opened.value = null;
    },
  });
  const verdicts = new Verdicts(link.judge, grid, draft, person);
  const changes = new Changes(link.commands, grid, pending);
  const actions = new Actions({
    changes,
    grid,
    notices,
    clock,
    question,
    verdictAbout: (place) => verdicts.about(place),
    mayOverride: () => mayOverride.peek(),
    placeLabel,
  });

  /** Tells a listener of what others did on the day shown; our own changes were told of when they were answered. */
  const announce = (happened: readonly Change[]): void => {
    const span = dayInterval(grid.frame.peek(), date.peek());
    if (span === null) return;
    for (const { id, before, after } of happened) {
      const record = after ?? before;
      if (record === null || pending.isOurs(id) || record.end <= span.start || span.end <= record.start)
        continue;
      const what = before === null ? 'added' : after === null ? 'removed' : 'changed';
      notices.announce(`${nameOf(record)} ${what}: ${placeLabel(record)}`);
    }
  };

  // What is dragged is shown to colleagues; the place of an open form too, since it is as good as taken.
  const stopTelling = effect(() => {
    const now = draft.value;
    const at = location.value;
    if (at === null) return;
    link.presence.show(
      at.id,
      now === null || !now.inside
        ? null
        : {
            resource_id: now.resource_id,
            start_time: formatInstant(now.start),
            end_time: formatInstant(now.end),
            ...(now.record === null ? {} : { booking_id: now.record.id }),
          },
    );
  });
  // A carried booking is followed by ear: where it is, and what the rules say of it there.
  const stopTellingVerdict = effect(() => {
    const carried = keyboard.draft.value;
    const verdict = verdicts.current.value;
    if (carried === null) return;
    const where = placeLabel(carried);
    notices.follow(
      verdict === null || verdict.tone === 'checking' ? where : `${where}. ${verdictSentence(verdict)}`,
    );
  });
  const stopWatching = effect(() => {
    const at = location.value;
    const on = date.value;
    if (at !== null) {
      untracked(() => {
        link.watch(at.id, on);
      });
    }
  });

  const show = (id: number): void => {
    const next = locations.peek().find((other) => other.id === id);
    if (next === undefined) return;
    rememberLocation(id);
    batch(() => {
      machine.cancel();
      composing.value = opened.value = preview.value = null;
      drawnColumns.clear();
      location.value = next;
    });
  };
  const loadLocations = async (): Promise<void> => {
    try {
      locations.value = await readLocations();
    } catch {
      setTimeout(() => void loadLocations(), 3_000);
      return;
    }
    const mine = locations.value.filter((other) => me.location_ids.includes(other.id));
    const remembered = locations.value.find((other) => other.id === rememberedLocation());
    const first = remembered ?? mine[0] ?? locations.value[0];
    if (first !== undefined) show(first.id);
  };

  const state = computed<LinkState>(() => ({
    phase: link.phase.value,
    stale: link.stale.value,
    heardAt: link.heardAt.value,
    refused: link.refused.value,
  }));

  link.start();
  void loadLocations();

  const desk: Desk = {
    me,
    locations,
    location,
    date,
    today,
    link: state,
    labels,
    day,
    columns,
    compact,
    grid,
    ghosts,
    notices,
    clock,
    machine,
    keyboard,
    drawn: (resourceId) => drawnOn(resourceId, date.value),
    draft,
    verdict: verdicts.current,
    dragged,
    composing,
    person,
    opened,
    preview,
    question,
    mayOverride,
    movable,
    show,
    look: (to) => {
      chosenDate.value = to === today.peek() ? null : to;
    },
    resourceName,
    placeLabel,
    placeOf,
    book: (place, whom, note) => actions.book(place, whom, note),
    move: (record, place) => {
      actions.move(record, place);
    },
    save: (record, edit, version) => actions.save(record, edit, version),
    cancel: askToCancel,
    attend: (record) => {
      actions.attend(record);
    },
    noShow: (record) => {
      actions.noShow(record);
    },
    readBooking,
    searchCustomers,
    signOut,
  };
  return {
    desk,
    authenticate: (token) => {
      link.authenticate(token);
    },
    stop: () => {
      stopTelling();
      stopTellingVerdict();
      stopWatching();
      link.stop();
    },
  };
}
