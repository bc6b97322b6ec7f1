/** The staff app: who is signed in gets the desk, everybody else the way in. */

import '@fontsource-variable/inter/wght.css';
import '../../render/styles/index.css';

import { effect, signal, untracked } from '@preact/signals';
import { render, type JSX } from 'preact';

import { Workspace } from '../../render/Workspace';
import { SignIn } from '../../render/SignIn';
import type { User } from '../../wire/readings';
import { openDesk, type RunningDesk } from './desk';
import { rememberedTheme, rememberTheme } from './preferences';
import { Session } from './session';

const theme = signal(rememberedTheme());
effect(() => {
  rememberTheme(theme.value);
  if (theme.value === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme.value;
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

/** Opens a desk for who signed in, and closes that of who left. */
function attend(user: User | null | undefined): void {
  const open = running.peek();
  if (user === undefined || user?.id === open?.desk.me.id) return;
  open?.stop();
  running.value =
    user === null
      ? null
      : openDesk(
          user,
          () => void renew(),
          () => void session.end(),
        );
}

/** The link was told to sign in again: with a new token, if the session can still be renewed. */
async function renew(): Promise<void> {
  if (await session.renew()) running.peek()?.reconnect();
}

function App(): JSX.Element | null {
  if (session.user.value === undefined) return null;
  const open = running.value;
  if (open === null)
    return <SignIn problem={session.problem} signIn={(email, password) => session.signIn(email, password)} />;
  return <Workspace desk={open.desk} theme={theme} />;
}

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
void session.begin();
