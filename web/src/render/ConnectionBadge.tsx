/** How far the screen can be believed, in words and with a sign; a screen that lost its network never looks fresh. */

import type { JSX } from 'preact';

import type { ZoneLabels } from '../layout/labels';
import { useDesk, type LinkState } from './desk';

type Standing = 'live' | 'connecting' | 'offline' | 'stale';

export function ConnectionBadge(): JSX.Element {
  const desk = useDesk();
  const { standing, text, detail } = describe(desk.link.value, desk.labels.value);
  return (
    <span class="badge" role="status" data-testid="connection" data-link={standing} title={detail}>
      <span class="badge-dot" aria-hidden />
      <span class="badge-text">{text}</span>
    </span>
  );
}

/** Said at the foot of the grid as well, once it matters: there it moves nothing under the pointer. */
export function ConnectionBanner(): JSX.Element | null {
  const desk = useDesk();
  const { standing, text, detail } = describe(desk.link.value, desk.labels.value);
  if (standing === 'live' || standing === 'connecting') return null;
  return (
    <div class="banner" data-link={standing}>
      <strong>{text}</strong> {detail}
    </div>
  );
}

function describe(link: LinkState, labels: ZoneLabels): { standing: Standing; text: string; detail: string } {
  const heard = link.heardAt === null ? '' : labels.time(link.heardAt);
  switch (link.phase) {
    case 'live':
      return link.stale
        ? {
            standing: 'stale',
            text: 'Database away',
            detail: 'The grid is shown from memory; nothing can be saved until it is back.',
          }
        : { standing: 'live', text: 'Live', detail: 'Changes appear as they happen.' };
    case 'connecting':
      return {
        standing: 'connecting',
        text: link.heardAt === null ? 'Connecting…' : 'Reconnecting…',
        detail: heard === '' ? 'Trying to reach the server.' : `Showing data as of ${heard}.`,
      };
    case 'outdated':
      return { standing: 'offline', text: 'New version', detail: 'Load this page again to go on.' };
    case 'forbidden':
      return {
        standing: 'offline',
        text: 'Not allowed',
        detail: 'The server does not accept this page or this account.',
      };
    case 'offline':
    case 'signed-out':
      return {
        standing: 'offline',
        text: heard === '' ? 'Offline' : `Offline since ${heard}`,
        detail:
          heard === ''
            ? 'Trying to reach the server.'
            : 'The grid is shown as it was then. Trying to reach the server.',
      };
  }
}
