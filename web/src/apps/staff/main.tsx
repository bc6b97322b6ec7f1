/** The staff app: who is signed in gets the desk, everybody else the way in. */

import '@fontsource-variable/inter/wght.css';
import '../../render/styles/index.css';

import { effect, signal, untracked } from '@preact/signals';
import { render, type JSX } from 'preact';

import { Workspace } from '../../render/Workspace';
import { NoDesk, SignIn } from '../../render/SignIn';
import type { Me } from '../../wire/readings';
import { openDesk, type RunningDesk } from './desk';
import { applyTheme, rememberedTheme } from '../preferences';
import { Session } from '../session';

const theme = signal(rememberedTheme());
effect(() => {
  applyTheme(theme.value);
});

const running = signal<RunningDesk | null>(null);
const session = new Session((token) => {
  running.peek()?.authenticate(token);
});

effect(() => {
  const user = session.user.value;
  untracked(() => {
    attend(user);
  });
});

/** Opens a desk for who works at one, and closes that of who left. */
function attend(user: Me | null | undefined): void {
  const open = running.peek();
  if (user === undefined || user?.id === open?.desk.me.id) return;
  open?.stop();
  running.value =
    user === null || !worksAtDesk(user)
      ? null
      : openDesk(
          user,
          () => void session.renew(),
          () => void session.end(),
        );
}

function worksAtDesk(user: Me): boolean {
  return user.role === 'admin' || user.role === 'operator' || user.role === 'staff';
}

function App(): JSX.Element | null {
  const user = session.user.value;
  const open = running.value;
  if (user === undefined) return null;
  if (open !== null) return <Workspace desk={open.desk} theme={theme} />;
  if (user !== null) return <NoDesk name={user.name} signOut={() => void session.end()} />;
  return <SignIn entrance={session} />;
}

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
void session.begin();
