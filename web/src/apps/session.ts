/**
 * Who is signed in. Belongs here: signing in and out, and renewing the session before it ends. Does not belong here: the
 * link that uses it (`link`).
 */

import { signal } from '@preact/signals';

import type { Purpose } from '../store/wayIn';
import {
  Problem,
  refreshSession,
  resetPassword,
  sendResetCode,
  sendSignInCode,
  signIn,
  signInByCode,
  signOut,
  type Tokens,
} from '../wire/http';
import { readMe, type Me } from '../wire/readings';

/** How much of a token's life passes before the next one is fetched. */
const RENEW_AT = 0.75;
/** After a page load nothing is known of the cookie's age: renew soon, so that it is. */
const FIRST_RENEWAL_MS = 45_000;
const RETRY_MS = 15_000;
const WRONG_CODE = 'That code is wrong or too old. Ask for another one.';

export class Session {
  /** Undefined until it is known; null when nobody is. */
  readonly user = signal<Me | null | undefined>(undefined);
  readonly problem = signal<string | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Somebody is signing out: that the server takes the session no more is what they asked for. */
  #leaving = false;

  /** `onToken` is given each fresh token, for the open link. */
  constructor(private readonly onToken: (token: string) => void) {}

  /** Takes up the session of the cookie, if there is one. */
  async begin(): Promise<void> {
    try {
      this.user.value = await readMe();
      this.#renewIn(FIRST_RENEWAL_MS * (1 + Math.random()));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.user.value = null;
      if (problem.status !== 401) this.problem.value = problem.message;
    }
  }

  signIn(email: string, password: string): Promise<boolean> {
    return this.#enter(() => signIn(email, password), 'That address and password do not go together.');
  }

  /** Has a code sent; the server says nothing of whether the address has an account. */
  sendCode(purpose: Purpose, email: string): Promise<boolean> {
    return this.#attempt(() => (purpose === 'reset' ? sendResetCode(email) : sendSignInCode(email)));
  }

  verify(email: string, code: string): Promise<boolean> {
    return this.#enter(() => signInByCode(email, code), WRONG_CODE);
  }

  reset(email: string, code: string, password: string): Promise<boolean> {
    return this.#enter(() => resetPassword(email, code, password), WRONG_CODE);
  }

  /** What went wrong on another way in is of no interest any more. */
  forgive(): void {
    this.problem.value = null;
  }

  /** The server no longer takes the session: renew it, or find that nobody is signed in. */
  async renew(): Promise<boolean> {
    if (this.#leaving) return false;
    clearTimeout(this.#timer);
    try {
      const tokens = await refreshSession();
      this.#renewBefore(tokens);
      this.onToken(tokens.access_token);
      return true;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (this.user.peek() === null) return false;
      if (problem.status === 401 || problem.status === 403) {
        this.user.value = null;
        this.problem.value = 'Your session has ended. Please sign in again.';
      } else this.#renewIn(RETRY_MS);
      return false;
    }
  }

  async end(): Promise<void> {
    clearTimeout(this.#timer);
    this.#leaving = true;
    // Signed out here, whatever the server could be told of it.
    await signOut().catch(() => undefined);
    this.user.value = null;
    this.problem.value = null;
    this.#leaving = false;
  }

  async #enter(begin: () => Promise<Tokens>, refused: string): Promise<boolean> {
    return this.#attempt(async () => {
      this.#renewBefore(await begin());
      this.user.value = await readMe();
    }, refused);
  }

  async #attempt(work: () => Promise<unknown>, refused = ''): Promise<boolean> {
    this.problem.value = null;
    try {
      await work();
      return true;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.problem.value = wording(problem, refused);
      return false;
    }
  }

  #renewBefore(tokens: Tokens): void {
    this.#renewIn(tokens.expires_in * 1000 * RENEW_AT);
  }

  #renewIn(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void this.renew();
    }, milliseconds);
  }
}

function wording(problem: Problem, refused: string): string {
  if (problem.status === 401 && refused !== '') return refused;
  if (problem.status === 429) return 'Too many attempts. Please wait a while.';
  return problem.message;
}
