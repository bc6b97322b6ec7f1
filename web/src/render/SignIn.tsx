/** The way in, for who is not signed in. */

import type { ReadonlySignal } from '@preact/signals';
import type { ComponentChildren, JSX, TargetedInputEvent } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

import {
  afterSending,
  CODE_LENGTH,
  PASSWORD,
  SHORTEST_PASSWORD,
  tidyCode,
  wordsOf,
  type Purpose,
  type Step,
} from '../store/wayIn';
import { BrandMark } from './Toolbar';

/** What the way in asks of whoever holds the session; each says whether it worked, and `problem` why not. */
export interface Entrance {
  readonly problem: ReadonlySignal<string | null>;
  signIn: (email: string, password: string) => Promise<boolean>;
  sendCode: (purpose: Purpose, email: string) => Promise<boolean>;
  verify: (email: string, code: string) => Promise<boolean>;
  reset: (email: string, code: string, password: string) => Promise<boolean>;
  forgive: () => void;
}

export function SignIn({ entrance }: { entrance: Entrance }): JSX.Element {
  const [step, setStep] = useState<Step>(PASSWORD);
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [going, setGoing] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const words = wordsOf(step, email);
  const setsPassword = step.at === 'code' && step.purpose === 'reset';

  // A new step is a new form: whoever uses a keyboard or a screen reader is taken to its first field.
  useLayoutEffect(() => {
    form.current?.querySelector('input')?.focus();
  }, [step]);

  const go = (next: Step): void => {
    entrance.forgive();
    setCode('');
    setPassword('');
    setStep(next);
  };
  const send = async (purpose: Purpose): Promise<boolean> => {
    const sent = await entrance.sendCode(purpose, email);
    if (sent) go(afterSending(step));
    return sent;
  };
  const act = (): Promise<boolean> => {
    if (step.at === 'password') return entrance.signIn(email, password);
    if (step.at === 'ask') return send(step.purpose);
    return setsPassword ? entrance.reset(email, code, password) : entrance.verify(email, code);
  };
  const during = (work: Promise<unknown>): void => {
    setGoing(true);
    void work.finally(() => {
      setGoing(false);
    });
  };

  return (
    <main class="sign-in">
      <form
        ref={form}
        class="sign-in-form"
        aria-labelledby="sign-in-title"
        onSubmit={(event) => {
          event.preventDefault();
          during(act());
        }}
      >
        <Brand />
        <h1 id="sign-in-title">{words.title}</h1>
        {words.lead !== null && <p role="status">{words.lead}</p>}
        {step.at !== 'code' && (
          <Field label="Email">
            <input
              type="email"
              name="email"
              autocomplete="username"
              required
              value={email}
              onInput={typedInto(setEmail)}
            />
          </Field>
        )}
        {step.at === 'code' && (
          <Field label="Code">
            <input
              type="text"
              name="code"
              autocomplete="one-time-code"
              inputMode="numeric"
              pattern={`[0-9]{${String(CODE_LENGTH)}}`}
              title="Six digits"
              required
              value={code}
              onInput={(event) => {
                // What is not a digit never shows, even where it leaves the code as it was.
                event.currentTarget.value = tidyCode(event.currentTarget.value);
                setCode(event.currentTarget.value);
              }}
            />
          </Field>
        )}
        {step.at === 'password' && (
          <Field label="Password">
            <input
              type="password"
              name="password"
              autocomplete="current-password"
              required
              value={password}
              onInput={typedInto(setPassword)}
            />
          </Field>
        )}
        {setsPassword && (
          <Field label={`New password, ${String(SHORTEST_PASSWORD)} characters or more`}>
            <input
              type="password"
              name="new-password"
              autocomplete="new-password"
              minLength={SHORTEST_PASSWORD}
              required
              value={password}
              onInput={typedInto(setPassword)}
            />
          </Field>
        )}
        {entrance.problem.value !== null && (
          <p class="form-problem" role="alert">
            {entrance.problem.value}
          </p>
        )}
        <button type="submit" class="primary-button" disabled={going}>
          {going ? words.going : words.button}
        </button>
        <div class="other-ways">
          {step.at === 'password' ? (
            <>
              <Way
                go={() => {
                  go({ at: 'ask', purpose: 'sign-in' });
                }}
              >
                Email me a code
              </Way>
              <Way
                go={() => {
                  go({ at: 'ask', purpose: 'reset' });
                }}
              >
                Forgot password?
              </Way>
            </>
          ) : (
            <>
              <Way
                go={() => {
                  go(PASSWORD);
                }}
              >
                Use your password
              </Way>
              {step.at === 'code' && (
                <Way
                  disabled={going}
                  go={() => {
                    during(send(step.purpose));
                  }}
                >
                  Send another code
                </Way>
              )}
            </>
          )}
        </div>
      </form>
    </main>
  );
}

function typedInto(set: (text: string) => void) {
  return (event: TargetedInputEvent<HTMLInputElement>): void => {
    set(event.currentTarget.value);
  };
}

function Field({ label, children }: { label: string; children: ComponentChildren }): JSX.Element {
  return (
    <label class="field">
      <span class="field-label">{label}</span>
      {children}
    </label>
  );
}

interface WayProps {
  go: () => void;
  disabled?: boolean;
  children: ComponentChildren;
}

function Way({ go, disabled = false, children }: WayProps): JSX.Element {
  return (
    <button type="button" class="text-button" disabled={disabled} onClick={go}>
      {children}
    </button>
  );
}

function Brand(): JSX.Element {
  return (
    <span class="brand large">
      <BrandMark />
      <span class="brand-name">Baygrid</span>
    </span>
  );
}

/** For somebody whose account does not work at a desk. */
export function NoDesk({ name, signOut }: { name: string; signOut: () => void }): JSX.Element {
  return (
    <main class="sign-in">
      <section class="sign-in-form">
        <Brand />
        <h1>This is the front desk’s page</h1>
        <p>{name}, your account is not one of staff.</p>
        <button type="button" class="primary-button" onClick={signOut}>
          Sign in as somebody else
        </button>
      </section>
    </main>
  );
}
