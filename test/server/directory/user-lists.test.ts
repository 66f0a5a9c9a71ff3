import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { AuthServiceClient } from '../../../server/src/auth-service/client.ts';
import { createDirectory } from '../../../server/src/directory/directory.ts';
import { AppError } from '../../../server/src/errors.ts';
import { hold } from '../../support/time/hold.ts';

const caller = { type: 'staff', id: 123, accessToken: 'none', requestId: 'of the list' } as const;
const people = { freshSeconds: 60, staleSeconds: 60, staleOnErrorSeconds: 3600 };

/** An Auth Service with the users 1 to 9, of whom some cannot be read. Its responses wait for `until`. */
const setUp = () => {
  let nowMs = 0;
  let until: Promise<unknown> = Promise.resolve();
  const results: string[] = [];
  const unreadable = new Set([7]);
  const recordOf = (id: number) => ({ user: { id }, reported: new Set(), source: 'bulk' });
  const entryOf = (id: number) => (unreadable.has(id) ? new AppError('auth_service_contract') : recordOf(id));
  const authService = {
    async user(id: number) {
      await until;
      return recordOf(id);
    },
    async users(ids: readonly number[]) {
      await until;
      return new Map(ids.filter((id) => id < 10).map((id) => [id, entryOf(id)]));
    },
  } as unknown as AuthServiceClient;
  const directory = createDirectory({
    authService,
    lifetimes: { people, roles: people, maxEntries: 100 },
    now: () => nowMs,
    onLookup: (_kind, result, requestId) => results.push(`${result} ${requestId}`),
  });
  return {
    directory,
    results,
    unreadable,
    advanceSeconds: (seconds: number): void => void (nowMs += seconds * 1000),
    /** Returns the function that releases the requests from now on. */
    holdRequests(): () => void {
      const held = hold();
      until = held.until;
      return held.release;
    },
  };
};

it('a list of users fails if one of them cannot be read, but not if one does not exist', async () => {
  const { directory } = setUp();
  const { users, notFound } = await directory.users([3, 20, 1], caller);
  expect(users.map(({ id }) => id)).toEqual([3, 1]);
  expect(notFound).toEqual([20]);
  await expect(directory.users([3, 7, 20], caller)).rejects.toMatchObject({ reason: 'auth_service_contract' });
});

it('a list counts each user once if its caller disconnects after some of them were loaded', async () => {
  const { directory, results, holdRequests, advanceSeconds } = setUp();
  await directory.users([1, 2], caller);
  // The bulk-lookup probe ends.
  await nextTurn();
  advanceSeconds(100);
  const releaseFirst = holdRequests();
  const other = directory.users([1], { ...caller, requestId: 'of another' });
  await nextTurn();
  holdRequests();
  const client = new AbortController();
  results.length = 0;
  const list = Promise.resolve(directory.users([1, 2], { ...caller, signal: client.signal })).catch(
    (error: unknown) => error,
  );
  await nextTurn();
  releaseFirst();
  await other;
  client.abort(new Error('gone'));
  expect(await list).toMatchObject({ message: 'gone' });
  expect(results.toSorted()).toEqual(['miss of another', 'miss of the list', 'miss of the list']);
});

it('a list reports stale data if one user cannot be read, though the others were loaded', async () => {
  const { directory, unreadable, advanceSeconds } = setUp();
  await directory.users([1, 2], caller);
  await nextTurn();
  advanceSeconds(100);
  unreadable.add(1);
  let stale = 0;
  const { users } = await directory.users([1, 2], { ...caller, onStale: () => (stale += 1) });
  expect(users.map(({ id }) => id)).toEqual([1, 2]);
  expect(stale).toBe(1);
  expect(directory.staleness()).not.toBeNull();
});
