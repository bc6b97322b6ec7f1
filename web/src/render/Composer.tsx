/**
 * The form at a new booking's draft: for whom, and a note. The draft stays on the grid meanwhile, and can be drawn anew
 * without losing what was typed. On a phone it is a sheet at the foot of the screen.
 */

import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { durationLabel } from '../layout/labels';
import type { Person } from '../store/changes';
import { CustomerPicker } from './CustomerPicker';
import { useDesk, type Refusal } from './desk';
import { Icon } from './icons';
import { VerdictNote } from './VerdictNote';

const GAP = 10;
const PHONE_PATTERN = '\\+[1-9][0-9]{6,14}';

export function Composer(): JSX.Element | null {
  const desk = useDesk();
  return desk.composing.value === null ? null : <OpenComposer />;
}

function OpenComposer(): JSX.Element | null {
  const desk = useDesk();
  const sheet = useRef<HTMLDivElement>(null);
  const [phone, setPhone] = useState('');
  const [note, setNote] = useState('');
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [going, setGoing] = useState(false);
  const place = desk.composing.value;
  const person = desk.person.value;
  const verdict = desk.verdict.value;
  const live = desk.link.value.phase === 'live';

  useEffect(
    () => () => {
      desk.person.value = null;
      document.querySelector<HTMLElement>('[role=grid]')?.focus({ preventScroll: true });
    },
    [desk],
  );
  useEffect(() => {
    setRefusal(null);
  }, [place]);
  useAnchor(sheet);

  if (place === null) return null;
  const labels = desk.labels.value;
  const slot = desk.day.value?.slotSeconds ?? 1800;
  const resize = (by: number): void => {
    desk.composing.value = { ...place, end: Math.max(place.start + slot, place.end + by) };
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    if (person === null || going || !live) return;
    const whom: Person = person.user_id === null ? { ...person, phone: phone === '' ? null : phone } : person;
    setGoing(true);
    void desk.book(place, whom, note.trim()).then((refused) => {
      setGoing(false);
      setRefusal(refused);
      if (refused === null) desk.composing.value = null;
    });
  };
  return (
    <div class="composer" ref={sheet} role="dialog" aria-label="New booking" data-testid="composer">
      <form onSubmit={submit}>
        <div class="sheet-head">
          <div>
            <h2>New booking</h2>
            <p class="sheet-place">
              <strong>{desk.resourceName(place.resource_id)}</strong> {labels.range(place.start, place.end)}
            </p>
          </div>
          <button
            type="button"
            class="icon-button"
            aria-label="Close"
            onClick={() => {
              desk.composing.value = null;
            }}
          >
            <Icon name="close" />
          </button>
        </div>
        <div class="stepper" role="group" aria-label="Length">
          <button
            type="button"
            class="chip"
            aria-label="Shorter"
            disabled={place.end - place.start <= slot}
            onClick={() => {
              resize(-slot);
            }}
          >
            −
          </button>
          <span data-testid="length">{durationLabel(place.end - place.start)}</span>
          <button
            type="button"
            class="chip"
            aria-label="Longer"
            onClick={() => {
              resize(slot);
            }}
          >
            +
          </button>
        </div>
        <CustomerPicker
          label="For"
          visitors
          autofocus={!desk.compact.value}
          onChoose={(chosen) => {
            desk.person.value = chosen;
          }}
        />
        {person !== null && person.user_id === null && (
          <label class="field">
            <span class="field-label">Phone (optional)</span>
            <input
              type="tel"
              name="phone"
              placeholder="+15551230000"
              pattern={PHONE_PATTERN}
              title="With the country's code, like +15551230000"
              value={phone}
              onInput={(event) => {
                setPhone(event.currentTarget.value);
              }}
            />
          </label>
        )}
        <label class="field">
          <span class="field-label">Note</span>
          <input
            name="note"
            maxLength={2000}
            value={note}
            onInput={(event) => {
              setNote(event.currentTarget.value);
            }}
          />
        </label>
        {live ? (
          <VerdictNote
            verdict={refusal === null ? verdict : { tone: 'refused', ...refusal }}
            onChoose={(chosen) => {
              desk.composing.value = chosen;
            }}
          />
        ) : (
          <p class="form-problem">Not connected. It can be booked when the connection is back.</p>
        )}
        <div class="sheet-foot">
          <button
            type="button"
            class="quiet-button"
            onClick={() => {
              desk.composing.value = null;
            }}
          >
            Cancel
          </button>
          <button
            type="submit"
            class="primary-button"
            data-testid="book"
            disabled={person === null || going || !live || verdict?.tone === 'refused'}
          >
            {going ? 'Booking…' : verdict?.tone === 'overridable' ? 'Book with a reason…' : 'Book'}
          </button>
        </div>
      </form>
    </div>
  );
}

/** Keeps the form beside the draft: to its right if there is room, else to its left, and always on the screen. */
function useAnchor(sheet: { readonly current: HTMLElement | null }): void {
  const desk = useDesk();
  const place = desk.composing.value;
  const compact = desk.compact.value;
  useLayoutEffect(() => {
    const put = (): void => {
      const form = sheet.current;
      const draft = document.querySelector('[data-testid=draft]');
      if (form === null) return;
      if (compact || draft === null) {
        form.style.removeProperty('transform');
        return;
      }
      const anchor = draft.getBoundingClientRect();
      const { offsetWidth, offsetHeight } = form;
      const right = anchor.right + GAP;
      const x =
        right + offsetWidth + GAP <= window.innerWidth
          ? right
          : Math.max(GAP, anchor.left - offsetWidth - GAP);
      const y = Math.max(GAP, Math.min(anchor.top, window.innerHeight - offsetHeight - GAP));
      form.style.transform = `translate(${String(Math.round(x))}px, ${String(Math.round(y))}px)`;
    };
    put();
    const observer = new ResizeObserver(put);
    if (sheet.current !== null) observer.observe(sheet.current);
    window.addEventListener('scroll', put, true);
    window.addEventListener('resize', put);
    return () => {
      observer.disconnect();
      window.removeEventListener('scroll', put, true);
      window.removeEventListener('resize', put);
    };
  }, [sheet, place, compact]);
}
