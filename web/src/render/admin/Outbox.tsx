/** What was said to people, and what became of it: with no provider configured, all that there is to read (N6). */

import type { JSX } from 'preact';

import { readNotifications, type Notification } from '../../wire/admin';
import { moment } from './moments';
import { More, ReadingState, useListing } from './reading';

const STATUS_WORDS: Readonly<Record<string, string>> = {
  outbox: 'Kept here: nobody is configured to deliver it',
  queued: 'Waiting to be sent',
  sent: 'Sent',
  delivered: 'Delivered',
  failed: 'Failed',
};

export function Outbox(): JSX.Element {
  const messages = useListing('outbox', readNotifications);
  return (
    <div class="office-column">
      <h1>Messages</h1>
      <ReadingState
        of={messages}
        empty={messages.answer?.length === 0 ? 'Nothing was said to anybody yet.' : null}
      >
        <ol class="office-entries">
          {messages.answer?.map((message) => (
            <Message key={message.id} message={message} />
          ))}
        </ol>
      </ReadingState>
      <More listing={messages} />
    </div>
  );
}

function Message({ message }: { message: Notification }): JSX.Element {
  return (
    <li class="office-card" data-testid="message" data-kind={message.kind}>
      <header>
        <h3>{message.subject ?? message.body}</h3>
        <span class="tag">{message.channel === 'sms' ? 'SMS' : 'Email'}</span>
      </header>
      <p class="office-quiet">
        To {message.recipient} · <time dateTime={message.created_at}>{moment(message.created_at)}</time>
      </p>
      {message.subject !== null && <p class="office-letter">{message.body}</p>}
      <p class={message.status === 'failed' ? 'office-problem' : 'office-quiet'}>
        {STATUS_WORDS[message.status] ?? message.status}
        {message.error === null ? '' : `: ${message.error}`}
      </p>
    </li>
  );
}
