/** The whole screen of somebody at the desk. */

import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';

import { shiftDate } from '../layout/calendar';
import { Composer } from './Composer';
import { ConnectionBanner } from './ConnectionBadge';
import { DeskProvider, type Desk } from './desk';
import { GridView } from './GridView';
import { Panel } from './Panel';
import { Questions } from './Questions';
import type { ThemeChoice } from './ThemeToggle';
import { Toasts } from './Toasts';
import { Toolbar } from './Toolbar';

export function Workspace({ desk, theme }: { desk: Desk; theme: ThemeChoice }): JSX.Element {
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      pressAnywhere(desk, event);
    };
    window.addEventListener('keydown', listen);
    return () => {
      window.removeEventListener('keydown', listen);
    };
  }, [desk]);
  return (
    <DeskProvider value={desk}>
      <div class="workspace">
        <Toolbar theme={theme} />
        <main class="stage">
          <GridView />
          <Panel />
        </main>
        <ConnectionBanner />
        <Composer />
        <Questions />
        <Toasts />
      </div>
    </DeskProvider>
  );
}

/** Keys that mean the same wherever the focus is, save where something is typed. */
function pressAnywhere(desk: Desk, event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === 'Escape') {
    if (desk.composing.value !== null) desk.composing.value = null;
    else if (desk.opened.value !== null) desk.opened.value = null;
    return;
  }
  if (event.target instanceof HTMLElement && event.target.closest('input, textarea, select, dialog') !== null)
    return;
  if (event.key === '[') desk.look(shiftDate(desk.date.value, -1));
  else if (event.key === ']') desk.look(shiftDate(desk.date.value, 1));
  else if (event.key === 't' || event.key === 'T') desk.look(desk.today.value);
  else if (event.key === '?') desk.question.value = { ask: 'keys' };
}
