/** The way in, for who is not signed in. */

import type { ReadonlySignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { BrandMark } from './Toolbar';

interface Props {
  problem: ReadonlySignal<string | null>;
  signIn: (email: string, password: string) => Promise<void>;
}

export function SignIn({ problem, signIn }: Props): JSX.Element {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [going, setGoing] = useState(false);
  const submit = (event: Event): void => {
    event.preventDefault();
    setGoing(true);
    void signIn(email, password).finally(() => {
      setGoing(false);
    });
  };
  return (
    <main class="sign-in">
      <form class="sign-in-form" onSubmit={submit} aria-labelledby="sign-in-title">
        <span class="brand large">
          <BrandMark />
          <span class="brand-name">Baygrid</span>
        </span>
        <h1 id="sign-in-title">Sign in</h1>
        <label class="field">
          <span class="field-label">Email</span>
          <input
            type="email"
            name="email"
            autocomplete="username"
            required
            autofocus
            value={email}
            onInput={(event) => {
              setEmail(event.currentTarget.value);
            }}
          />
        </label>
        <label class="field">
          <span class="field-label">Password</span>
          <input
            type="password"
            name="password"
            autocomplete="current-password"
            required
            value={password}
            onInput={(event) => {
              setPassword(event.currentTarget.value);
            }}
          />
        </label>
        {problem.value !== null && (
          <p class="form-problem" role="alert">
            {problem.value}
          </p>
        )}
        <button type="submit" class="primary-button" disabled={going}>
          {going ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}

/** For somebody whose account does not work at a desk. */
export function NoDesk({ name, signOut }: { name: string; signOut: () => void }): JSX.Element {
  return (
    <main class="sign-in">
      <section class="sign-in-form">
        <span class="brand large">
          <BrandMark />
          <span class="brand-name">Baygrid</span>
        </span>
        <h1>This is the front desk’s page</h1>
        <p>{name}, your account is not one of staff.</p>
        <button type="button" class="primary-button" onClick={signOut}>
          Sign in as somebody else
        </button>
      </section>
    </main>
  );
}
