/** The back office: figures, support, messages and refusals, for whoever works at a desk. */

import '@fontsource-variable/inter/wght.css';
import '../../render/styles/index.css';
import '../../render/styles/admin.css';
import '../../render/styles/charts.css';

import { effect, signal } from '@preact/signals';
import { render, type JSX } from 'preact';

import { Office } from '../../render/admin/Office';
import { NoDesk, SignIn } from '../../render/SignIn';
import { applyTheme, rememberedTheme } from '../preferences';
import { Session } from '../session';

const theme = signal(rememberedTheme());
effect(() => {
  applyTheme(theme.value);
});

// Nothing here holds a link open that would want a fresh token: requests go by the cookie.
const session = new Session(() => undefined);

function App(): JSX.Element | null {
  const user = session.user.value;
  if (user === undefined) return null;
  if (user === null) return <SignIn entrance={session} />;
  if (user.role === 'customer') return <NoDesk name={user.name} signOut={() => void session.end()} />;
  return <Office me={user} theme={theme} signOut={() => void session.end()} />;
}

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
void session.begin();
