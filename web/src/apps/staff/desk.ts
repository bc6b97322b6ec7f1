/**
 * Puts the staff's desk together: the one place where wire, store, layout and gestures meet. Belongs here: construction,
 * and what follows in one part from another. Does not belong here: anything that one part could do by itself.
 */

import { computed, effect, untracked } from '@preact/signals';

import type { Desk } from '../../render/desk';
import { verdictSentence } from '../../render/wording';
import { Changes } from '../../store/changes';
import { Clock } from '../../store/clock';
import { Ghosts } from '../../store/ghosts';
import { Grid, type Change } from '../../store/grid';
import { Notices } from '../../store/notices';
import { Pending } from '../../store/pending';
import { Problem } from '../../wire/http';
import { formatInstant } from '../../wire/instant';
import { readBooking, searchCustomers, type Me } from '../../wire/readings';
import { Actions, nameOf } from './actions';
import { Hands } from './hands';
import { Link } from './link';
import { Verdicts } from './verdicts';
import { Viewing } from './viewing';

export interface RunningDesk {
  readonly desk: Desk;
  /** The session has a fresh token: for the open link, or to open it again. */
  readonly authenticate: (token: string) => void;
  readonly stop: () => void;
}

export function openDesk(me: Me, onSignedOut: () => void, signOut: () => void): RunningDesk {
  const grid = new Grid();
  const pending = new Pending();
  const ghosts = new Ghosts();
  const notices = new Notices();
  const clock = new Clock();
  const viewing = new Viewing(me, grid, pending, clock);
  const hands = new Hands({
    me,
    viewing,
    grid,
    pending,
    notices,
    phase: () => link.phase.peek(),
    move: (record, place) => {
      actions.move(record, place);
    },
    cancel: (record, reason) => {
      actions.cancel(record, reason);
    },
  });

  /** Tells a listener of what others did on the day shown; our own changes were told of when they were answered. */
  const announce = (changes: readonly Change[]): void => {
    for (const { id, before, after } of changes) {
      const record = after ?? before;
      if (record === null || pending.isOurs(id) || !viewing.shows(record)) continue;
      const what = before === null ? 'added' : after === null ? 'removed' : 'changed';
      notices.announce(`${nameOf(record)} ${what}: ${viewing.placeLabel(record)}`);
    }
  };
  const link = new Link({
    grid,
    pending,
    ghosts,
    clock,
    onSignedOut,
    onChanges: (changes, by) => {
      hands.remote(changes);
      if (by === 'diff') announce(changes);
    },
  });
  const verdicts = new Verdicts(link.judge, grid, hands.draft, hands.person);
  const actions = new Actions({
    changes: new Changes(link.commands, grid, pending),
    grid,
    notices,
    clock,
    question: hands.question,
    verdictAbout: (place) => verdicts.about(place),
    mayOverride: () => viewing.mayOverride.peek(),
    placeLabel: (place) => viewing.placeLabel(place),
  });

  const running = [
    effect(() => {
      const location = viewing.location.value;
      const date = viewing.date.value;
      untracked(() => {
        if (location !== null) link.watch(location.id, date);
      });
    }),
    // What is dragged is shown to colleagues; the place of an open form too, since it is as good as taken.
    effect(() => {
      const draft = hands.draft.value;
      const location = viewing.location.value;
      if (location === null || !viewing.worksHere.value) return;
      link.presence.show(
        location.id,
        draft === null || !draft.inside
          ? null
          : {
              resource_id: draft.resource_id,
              start_time: formatInstant(draft.start),
              end_time: formatInstant(draft.end),
              ...(draft.record === null ? {} : { booking_id: draft.record.id }),
            },
      );
    }),
    // A carried booking is followed by ear: where it is, and what the rules say of it there.
    effect(() => {
      const carried = hands.keyboard.draft.value;
      const verdict = verdicts.current.value;
      if (carried === null) return;
      const where = viewing.placeLabel(carried);
      const known = verdict !== null && verdict.tone !== 'checking';
      notices.follow(known ? `${where}. ${verdictSentence(verdict)}` : where);
    }),
  ];

  link.start();
  void viewing.begin();

  /** A reading that the session is refused for is known before the link hears of it. */
  const failed = (problem: unknown): never => {
    if (problem instanceof Problem && problem.status === 401) onSignedOut();
    throw problem;
  };
  const desk: Desk = {
    me,
    locations: viewing.locations,
    location: viewing.location,
    worksHere: viewing.worksHere,
    date: viewing.date,
    today: viewing.today,
    labels: viewing.labels,
    day: viewing.day,
    columns: viewing.columns,
    compact: viewing.compact,
    drawn: (resourceId) => viewing.drawn(resourceId),
    resourceName: (resourceId) => viewing.resourceName(resourceId),
    placeLabel: (place) => viewing.placeLabel(place),
    show: (locationId) => {
      hands.empty();
      viewing.show(locationId);
    },
    look: (date) => {
      hands.composing.value = null;
      viewing.look(date);
    },
    link: computed(() => ({
      phase: link.phase.value,
      stale: link.stale.value,
      heardAt: link.heardAt.value,
      refused: link.refused.value,
    })),
    grid,
    ghosts,
    notices,
    clock,
    machine: hands.machine,
    keyboard: hands.keyboard,
    draft: hands.draft,
    dragged: computed(() => hands.draft.value?.record?.id ?? null),
    verdict: verdicts.current,
    composing: hands.composing,
    person: hands.person,
    opened: hands.opened,
    preview: hands.preview,
    question: hands.question,
    movable: (record) => hands.movable(record),
    book: (place, person, note) => actions.book(place, person, note),
    save: (record, edit, version) => actions.save(record, edit, version),
    cancel: (record) => {
      hands.askToCancel(record);
    },
    attend: (record) => {
      actions.attend(record);
    },
    noShow: (record) => {
      actions.noShow(record);
    },
    readBooking: (id) => readBooking(id).catch(failed),
    searchCustomers: (text) => searchCustomers(text).catch(failed),
    signOut,
  };
  return {
    desk,
    authenticate: (token) => {
      link.authenticate(token);
    },
    stop: () => {
      for (const stop of running) stop();
      verdicts.stop();
      link.stop();
      clock.stop();
    },
  };
}
