import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { AuthServiceClient } from '../../../server/src/auth-service/client.ts';
import { createDirectory } from '../../../server/src/directory/directory.ts';
import { isSync } from '../../../server/src/platform/maybe-promise.ts';

const caller = { type: 'staff', id: 123, accessToken: 'none', requestId: 'of this request' } as const;
const people = { freshSeconds: 60, staleSeconds: 300, staleOnErrorSeconds: 3600 };

const setUp = () => {
  let nowMs = 0;
  const loaded: number[] = [];
  const results: unknown[] = [];
  const recordOf = (id: number) => ({ user: { id }, reported: new Set() });
  const authService = {
    async user(id: number) {
      loaded.push(id);
      return recordOf(id);
    },
    async users(ids: readonly number[]) {
      loaded.push(...ids);
      return new Map(ids.map((id) => [id, recordOf(id)]));
    },
  } as unknown as AuthServiceClient;
  const directory = createDirectory({
    authService,
    lifetimes: { people, roles: people, maxEntries: 3 },
    now: () => nowMs,
    onLookup: (...result) => results.push(result),
  });
  const advanceSeconds = (seconds: number): void => void (nowMs += seconds * 1000);
  return { directory, loaded, results, advanceSeconds };
};

it('the directory returns a list of cached users without a promise, as the same objects each time', async () => {
  const { directory } = setUp();
  const { users } = await directory.users([3, 1, 2], caller);
  // The bulk-lookup probe ends.
  await nextTurn();
  const list = directory.users([2, 3, 2], caller);
  if (!isSync(list)) throw new Error('Expected a value.');
  expect(list.users.map(({ id }) => id)).toEqual([2, 3]);
  expect(list.users[0]).toBe(users[2]);
  expect(list.users[1]).toBe(users[0]);
  expect(directory.user(1, caller)).toBe(users[1]);
});

it('the directory counts each cached user of a list as a hit of its request, once', async () => {
  const { directory, results } = setUp();
  await directory.users([1, 2], caller);
  expect(results.splice(0)).toEqual([1, 2].map(() => ['user', 'miss', caller.requestId]));
  await directory.users([1, 2], caller);
  expect(results).toEqual([1, 2].map(() => ['user', 'hit', caller.requestId]));
});

it('the directory keeps the cached users that lists read, and evicts those that nobody reads', async () => {
  const { directory, loaded } = setUp();
  await directory.users([1, 2, 3], caller);
  await directory.users([1], caller);
  await directory.users([4], caller);
  loaded.splice(0);
  await directory.users([1, 3, 4], caller);
  expect(loaded).toEqual([]);
  await directory.users([2], caller);
  expect(loaded).toEqual([2]);
});

it('the directory loads a cached user again if the caller accepts only a younger one', async () => {
  const { directory, loaded, advanceSeconds } = setUp();
  await directory.users([1], caller);
  advanceSeconds(10);
  loaded.splice(0);
  expect(isSync(directory.users([1], { ...caller, maxAgeSeconds: 11 }))).toBe(true);
  await directory.users([1], { ...caller, maxAgeSeconds: 5 });
  expect(loaded).toEqual([1]);
  expect(isSync(directory.users([1], { ...caller, maxAgeSeconds: 5 }))).toBe(true);
});
