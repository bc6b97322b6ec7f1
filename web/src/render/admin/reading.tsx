/**
 * What a page is waiting for. Belongs here: asking once for each change of what is asked, forgetting answers that were
 * overtaken, and telling what went wrong. Does not belong here: what is asked (`wire/admin`).
 */

import type { ComponentChildren, JSX } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';

import type { Page } from '../../wire/admin';
import { Problem } from '../../wire/http';

export interface Reading<Answer> {
  answer: Answer | null;
  problem: string | null;
  waiting: boolean;
}

const NOTHING = { answer: null, problem: null, waiting: false } as const;

/** The answer to `ask`, asked again whenever `key` changes; null asks nothing. What was there stays until it comes. */
export function useReading<Answer>(key: string | null, ask: () => Promise<Answer>): Reading<Answer> {
  const [reading, setReading] = useState<Reading<Answer>>(NOTHING);
  useEffect(() => {
    if (key === null) {
      setReading(NOTHING);
      return;
    }
    let current = true;
    setReading((before) => ({ ...before, problem: null, waiting: true }));
    ask().then(
      (answer) => {
        if (current) setReading({ answer, problem: null, waiting: false });
      },
      (problem: unknown) => {
        if (current) setReading({ answer: null, problem: told(problem), waiting: false });
      },
    );
    return () => {
      current = false;
    };
    // `ask` is made anew with every drawing; what it asks is what `key` says.
  }, [key]);
  return reading;
}

/** A list that is read page by page; `more` is null where there is no more. */
export interface Listing<Item> extends Reading<readonly Item[]> {
  more: (() => void) | null;
}

export function useListing<Item>(
  key: string,
  ask: (cursor: string | null) => Promise<Page<Item>>,
): Listing<Item> {
  const first = useReading(key, () => ask(null));
  const [rest, setRest] = useState<{ of: string; items: readonly Item[]; cursor: string | null } | null>(
    null,
  );
  const [problem, setProblem] = useState<string | null>(null);
  const known = rest?.of === key ? rest : null;
  const cursor = known === null ? (first.answer?.next_cursor ?? null) : known.cursor;
  const more = useCallback(() => {
    ask(cursor).then(
      (page) => {
        setProblem(null);
        setRest({ of: key, items: [...(known?.items ?? []), ...page.items], cursor: page.next_cursor });
      },
      (failed: unknown) => {
        setProblem(told(failed));
      },
    );
  }, [key, cursor, known]);
  return {
    answer: first.answer === null ? null : [...first.answer.items, ...(known?.items ?? [])],
    problem: first.problem ?? problem,
    waiting: first.waiting,
    more: cursor === null ? null : more,
  };
}

function told(problem: unknown): string {
  return problem instanceof Problem ? problem.message : 'Something went wrong.';
}

interface StateProps {
  of: Reading<unknown>;
  /** What to say where there is an answer, and nothing in it. */
  empty?: string | null;
  children?: ComponentChildren;
}

/** The reading's state where it is not simply there: waiting, failed, or empty. */
export function ReadingState({ of, empty = null, children }: StateProps): JSX.Element {
  return (
    <>
      {of.problem !== null && (
        <p class="office-problem" role="alert">
          {of.problem}
        </p>
      )}
      {of.waiting && of.answer === null && (
        <p class="office-quiet" role="status">
          Loading…
        </p>
      )}
      {of.answer !== null && empty !== null && <p class="office-quiet">{empty}</p>}
      {of.answer !== null && children}
    </>
  );
}

export function More({ listing }: { listing: Listing<unknown> }): JSX.Element | null {
  if (listing.more === null) return null;
  return (
    <button type="button" class="quiet-button office-more" onClick={listing.more}>
      Show more
    </button>
  );
}
