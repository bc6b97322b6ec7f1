/** A customer's booking context beside a conversation: asking, and what was asked and answered before (X1). */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { hashOf } from '../../layout/place';
import {
  LOOKUPS,
  readContext,
  readThread,
  readThreads,
  type Lookup,
  type ThreadEntry,
} from '../../wire/admin';
import { ContextCard } from './ContextCard';
import { moment } from './moments';
import { More, ReadingState, useListing, useReading } from './reading';

const LOOKUP_WORDS: Readonly<Record<Lookup, string>> = {
  email: 'Email',
  phone: 'Phone',
  hubspot_id: 'HubSpot id',
  customer_id: 'Account number',
};

interface Question {
  lookup: Lookup;
  value: string;
  thread: string;
  /** Asking the same again is a new question: things may have changed. */
  number: number;
}

export function Support({ thread }: { thread: string | null }): JSX.Element {
  const [question, setQuestion] = useState<Question | null>(null);
  const answer = useReading(question === null ? null : JSON.stringify(question), () =>
    question === null
      ? Promise.reject(new Error('nothing was asked'))
      : readContext(question.lookup, question.value, question.thread),
  );
  return (
    <div class="office-split">
      <div class="office-column">
        <h1>{thread === null ? 'Support' : `Conversation ${thread}`}</h1>
        <Asking
          key={thread ?? ''}
          thread={thread}
          waiting={answer.waiting}
          ask={(asked) => {
            setQuestion({ ...asked, number: (question?.number ?? 0) + 1 });
          }}
        />
        <ReadingState of={answer}>
          {answer.answer !== null && <ContextCard context={answer.answer} />}
        </ReadingState>
        {thread !== null && <Entries thread={thread} asked={answer.answer?.asked_at ?? ''} />}
      </div>
      <Threads chosen={thread} asked={answer.answer?.asked_at ?? ''} />
    </div>
  );
}

interface AskingProps {
  thread: string | null;
  waiting: boolean;
  ask: (question: Omit<Question, 'number'>) => void;
}

function Asking({ thread, waiting, ask }: AskingProps): JSX.Element {
  const [lookup, setLookup] = useState<Lookup>('email');
  const [value, setValue] = useState('');
  const [conversation, setConversation] = useState(thread ?? '');
  return (
    <form
      class="office-form"
      aria-label="Ask for a customer"
      onSubmit={(event) => {
        event.preventDefault();
        ask({ lookup, value: value.trim(), thread: conversation.trim() });
      }}
    >
      <label class="field">
        <span class="field-label">Known by</span>
        <select
          value={lookup}
          onChange={(event) => {
            setLookup(LOOKUPS.find((each) => each === event.currentTarget.value) ?? 'email');
          }}
        >
          {LOOKUPS.map((each) => (
            <option key={each} value={each}>
              {LOOKUP_WORDS[each]}
            </option>
          ))}
        </select>
      </label>
      <label class="field office-wide">
        <span class="field-label">{LOOKUP_WORDS[lookup]}</span>
        <input
          name="value"
          required
          autocomplete="off"
          value={value}
          onInput={(event) => {
            setValue(event.currentTarget.value);
          }}
        />
      </label>
      <label class="field">
        <span class="field-label">Conversation (optional)</span>
        <input
          name="thread"
          autocomplete="off"
          maxLength={200}
          value={conversation}
          onInput={(event) => {
            setConversation(event.currentTarget.value);
          }}
        />
      </label>
      <button type="submit" class="primary-button" disabled={waiting}>
        {waiting ? 'Asking…' : 'Look up'}
      </button>
    </form>
  );
}

function Threads({ chosen, asked }: { chosen: string | null; asked: string }): JSX.Element {
  const threads = useListing(`threads ${asked}`, readThreads);
  return (
    <aside class="office-aside" aria-label="Conversations">
      <h2>Conversations</h2>
      <ReadingState
        of={threads}
        empty={
          threads.answer?.length === 0
            ? 'Look-ups that name a conversation are kept here for 180 days.'
            : null
        }
      >
        <ul class="office-list">
          {threads.answer?.map((thread) => (
            <li key={thread.thread_id}>
              <a
                href={hashOf({ section: 'support', thread: thread.thread_id })}
                {...(thread.thread_id === chosen ? { 'aria-current': 'true' as const } : {})}
              >
                <strong>{thread.customer?.name ?? 'Nobody found'}</strong>
                <span>{thread.thread_id}</span>
                <time dateTime={thread.last_asked_at}>{moment(thread.last_asked_at)}</time>
              </a>
            </li>
          ))}
        </ul>
      </ReadingState>
      <More listing={threads} />
    </aside>
  );
}

/** The thread's page: what was asked and answered in it, oldest first. */
function Entries({ thread, asked }: { thread: string; asked: string }): JSX.Element {
  const entries = useListing(`${thread} ${asked}`, (cursor) => readThread(thread, cursor));
  return (
    <section aria-label="What was asked and answered">
      <h2>What was asked and answered</h2>
      <ReadingState
        of={entries}
        empty={entries.answer?.length === 0 ? 'Nothing was asked in this conversation.' : null}
      >
        <ol class="office-entries">
          {entries.answer?.map((entry) => (
            <Entry key={entry.id} entry={entry} />
          ))}
        </ol>
      </ReadingState>
      <More listing={entries} />
    </section>
  );
}

function Entry({ entry }: { entry: ThreadEntry }): JSX.Element {
  const [known] = Object.entries(entry.asked);
  return (
    <li data-testid="entry">
      <p class="office-quiet">
        <time dateTime={entry.asked_at}>{moment(entry.asked_at)}</time> · {entry.asked_by.name} asked for{' '}
        {known === undefined ? 'a customer' : `${LOOKUP_WORDS[known[0] as Lookup]} ${String(known[1])}`}
      </p>
      {entry.answer === null ? (
        <p>There was no such customer.</p>
      ) : (
        <ContextCard context={entry.answer} brief />
      )}
    </li>
  );
}
