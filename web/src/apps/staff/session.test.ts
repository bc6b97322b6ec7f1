import { afterEach, expect, test, vi } from 'vitest';

import { Session } from './session';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const answer = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status });

/** A server by path; what is not named refuses the session. */
function serve(answers: Record<string, () => Response | Promise<Response>>): void {
  vi.stubGlobal('fetch', async (path: string) => answers[path]?.() ?? answer(401, {}));
  vi.stubGlobal('navigator', {});
}

test('who signs out is not told that the session has ended', async () => {
  const session = new Session(() => undefined);
  serve({
    '/api/me': () => answer(200, { user: { id: 1, name: 'Dana' } }),
    // The server closes the link before it answers, and the link asks for the session to be renewed.
    '/api/auth/logout': async () => {
      await session.renew();
      return answer(200, {});
    },
  });
  vi.useFakeTimers();
  await session.begin();
  await session.end();
  expect(session.user.value).toBeNull();
  expect(session.problem.value).toBeNull();
});

test('whose session the server ended is told so', async () => {
  const session = new Session(() => undefined);
  serve({ '/api/me': () => answer(200, { user: { id: 1, name: 'Dana' } }) });
  vi.useFakeTimers();
  await session.begin();
  expect(await session.renew()).toBe(false);
  expect(session.user.value).toBeNull();
  expect(session.problem.value).toContain('has ended');
});
