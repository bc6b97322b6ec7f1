/** What the app has to say just now, and a voice for those who listen. */

import type { JSX } from 'preact';

import type { Notice } from '../store/notices';
import { useDesk } from './desk';
import { Icon } from './icons';

const ICONS = { plain: 'check', good: 'check', warning: 'alert', bad: 'block' } as const;

export function Toasts(): JSX.Element {
  const { notices } = useDesk();
  return (
    <>
      <section class="toasts" aria-label="Messages">
        {notices.shown.value.map((notice) => (
          <Toast key={notice.id} notice={notice} />
        ))}
      </section>
      <div class="visually-hidden" aria-live="polite" data-testid="announcer">
        {notices.announced.value}
      </div>
      <div class="visually-hidden" aria-live="assertive" data-testid="follower">
        {notices.followed.value}
      </div>
    </>
  );
}

function Toast({ notice }: { notice: Notice }): JSX.Element {
  const { notices } = useDesk();
  const hold = (): void => {
    notices.keep(notice.id, true);
  };
  const letGo = (): void => {
    notices.keep(notice.id, false);
  };
  return (
    <div
      class="toast"
      data-testid="toast"
      data-tone={notice.tone}
      onMouseEnter={hold}
      onMouseLeave={letGo}
      onFocusIn={hold}
      onFocusOut={letGo}
    >
      <Icon name={ICONS[notice.tone]} />
      <div class="toast-text">
        <strong>{notice.title}</strong>
        {notice.detail !== undefined && notice.detail !== '' && <span>{notice.detail}</span>}
        {notice.actions.length > 0 && (
          <div class="toast-actions">
            {notice.actions.map((action) => (
              <button
                key={action.label}
                type="button"
                class="chip"
                onClick={() => {
                  notices.dismiss(notice.id);
                  action.run();
                }}
              >
                {action.label}
              </button>
            ))}
          </div>
        )}
      </div>
      <button
        type="button"
        class="icon-button small"
        aria-label="Dismiss"
        onClick={() => {
          notices.dismiss(notice.id);
        }}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}
