import { getEventListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Caller } from '../../../server/src/auth-service/caller.ts';
import { createSharedLoads } from '../../../server/src/directory/shared-loads.ts';
import { createPerCallerKeys } from '../../../server/src/directory/per-caller-keys.ts';
import { AppError } from '../../../server/src/errors.ts';

type Request = {
  /** The person whose token it uses, and its keys: `1: 5,6`. */
  name: string;
  wait: () => void;
  begin: () => void;
  isGivenUp: () => boolean;
  end: (outcome: string | AppError) => Promise<unknown>;
};

/** Loads whose requests are admitted, and end, when the test says so. People are numbers. */
const start = (maxKeys = 1) => {
  const requests: Request[] = [];
  const { load } = createSharedLoads<number, string>({
    load: (keys, { id, onQueued, onAdmitted, signal }) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
        requests.push({
          name: `${id}: ${keys.join(',')}`,
          wait: () => onQueued?.(),
          begin: () => onAdmitted?.(),
          isGivenUp: () => signal?.aborted === true,
          end: async (outcome) => {
            resolve(new Map(keys.map((key) => [key, outcome])));
            await nextTurn();
          },
        });
      }),
    notFound: () => new AppError('user_not_found'),
    perCallerKeys: createPerCallerKeys<number>({ now: () => 0 }),
    maxKeys,
  });
  const answers: string[] = [];
  const askAs = async (rest: Partial<Caller>, key: number, ...people: number[]): Promise<void> => {
    for (const id of people) {
      load(key, { type: 'staff', id, accessToken: 'none', ...rest }).then(
        (answer) => answers.push(`${id}: ${answer}`),
        (error: AppError) => answers.push(`${id}: ${error.reason}`),
      );
    }
    await nextTurn();
    await nextTurn();
  };
  return {
    /** Each person requests the key, in one tick. */
    ask: (key: number, ...people: number[]): Promise<void> => askAs({}, key, ...people),
    askUntil: (signal: AbortSignal, key: number, person: number): Promise<void> => askAs({ signal }, key, person),
    askUnverified: (key: number, person: number): Promise<void> => askAs({ isUnverified: true }, key, person),
    request: (index: number): Request => {
      const request = requests[index];
      if (request === undefined)
        throw new Error(`There is no request ${index}: ${requests.map(({ name }) => name).join()}`);
      return request;
    },
    names: () => requests.map(({ name }) => name),
    answers,
  };
};

it('a queued load is joined by the same person only', async () => {
  const { ask, request, names, answers } = start();
  await ask(5, 1);
  request(0).wait();
  await ask(5, 1, 2);
  expect(names()).toEqual(['1: 5', '2: 5']);
  request(1).begin();
  await request(1).end('found');
  expect(answers.toSorted()).toEqual(['1: found', '1: found', '2: found']);
});

it('the queued load of an unverified token does not delay the person that it names', async () => {
  const { ask, askUnverified, request, names, answers } = start();
  await askUnverified(5, 1);
  request(0).wait();
  await ask(5, 1);
  expect(names()).toHaveLength(2);
  request(1).begin();
  await request(1).end('found');
  expect(answers).toHaveLength(2);
});

it('callers of the same tick continue with their own loads if the first one is queued', async () => {
  const { ask, request, names, answers } = start();
  await ask(5, 1, 2, 3, 2);
  expect(names()).toEqual(['1: 5']);
  request(0).wait();
  await nextTurn();
  expect(names()).toEqual(['1: 5', '2: 5', '3: 5']);
  request(2).begin();
  await request(2).end('found');
  expect(answers).toHaveLength(4);
});

it('the first admitted load answers all callers, and the other loads leave the queue', async () => {
  const { ask, request, names, answers } = start();
  for (const id of [1, 2, 3]) {
    await ask(5, id);
    request(id - 1).wait();
  }
  request(1).begin();
  expect([0, 1, 2].map((index) => request(index).isGivenUp())).toEqual([true, false, true]);
  // A later caller joins it.
  await ask(5, 4);
  await request(1).end('found');
  expect(answers.toSorted()).toEqual(['1: found', '2: found', '3: found', '4: found']);
  expect(names()).toHaveLength(3);
});

it('a load that is queued again for a second request does not delay other persons', async () => {
  const { ask, request, names, answers } = start();
  await ask(5, 1);
  request(0).begin();
  await ask(5, 2);
  expect(names()).toEqual(['1: 5']);
  request(0).wait();
  await nextTurn();
  expect(names()).toEqual(['1: 5', '2: 5']);
  request(1).begin();
  // Its earlier results are kept.
  expect(request(0).isGivenUp()).toBe(false);
  request(1).wait();
  request(0).begin();
  expect(request(1).isGivenUp()).toBe(false);
  await request(1).end('found');
  expect([answers.toSorted(), request(0).isGivenUp()]).toEqual([['1: found', '2: found'], true]);
});

it('keys of other persons get one separate request per person if their common request is queued', async () => {
  const { ask, request, names, answers } = start(100);
  const asked = [ask(1, 1), ask(2, 1), ask(3, 2), ask(4, 2)];
  await Promise.all(asked);
  expect(names()).toEqual(['1: 1,2,3,4']);
  request(0).wait();
  // Without the keys that the first person requests in the meantime.
  await ask(9, 1);
  expect(names().slice(1).toSorted()).toEqual(['1: 9', '2: 3,4']);
  const theirs = request(names().indexOf('2: 3,4'));
  theirs.begin();
  await theirs.end('found');
  expect(answers).toEqual(['2: found', '2: found']);
  expect(request(0).isGivenUp()).toBe(false);
});

it('a caller that disconnects does not cancel a load with other waiters', async () => {
  const { ask, askUntil, request, answers } = start();
  const [one, other] = [new AbortController(), new AbortController()];
  await askUntil(one.signal, 5, 1);
  request(0).wait();
  await ask(5, 2);
  one.abort(new AppError('internal'));
  expect([request(0).isGivenUp(), request(1).isGivenUp()]).toEqual([true, false]);
  request(1).wait();
  await askUntil(other.signal, 5, 3);
  request(2).begin();
  // The second has joined the third's load, which continues for the third.
  other.abort(new AppError('internal'));
  expect(request(2).isGivenUp()).toBe(false);
  await request(2).end('found');
  expect(answers).toEqual(['1: internal', '3: internal', '2: found']);
});

it('a load is cancelled when the last waiter that joined it disconnects', async () => {
  const { askUntil, request, answers } = start();
  const leaving = [1, 2].map(() => new AbortController());
  for (const [index, { signal }] of leaving.entries()) {
    await askUntil(signal, 5, index + 1);
    request(index).wait();
  }
  request(1).begin();
  leaving[1]?.abort(new AppError('internal'));
  expect(request(1).isGivenUp()).toBe(false);
  leaving[0]?.abort(new AppError('internal'));
  expect(request(1).isGivenUp()).toBe(true);
  await nextTurn();
  expect(answers).toEqual(['2: internal', '1: internal']);
});

it('a full bulkhead share rejects its own person only', async () => {
  const { ask, request, names, answers } = start();
  await ask(5, 1, 2, 3);
  await request(0).end(new AppError('overloaded'));
  expect([names(), answers]).toEqual([['1: 5', '2: 5'], ['1: overloaded']]);
  await request(1).end('found');
  expect(answers.toSorted()).toEqual(['1: overloaded', '2: found', '3: found']);
});

it('a timeout of a load that was queued rejects its own person only, and is retried once', async () => {
  const { ask, request, names, answers } = start();
  await ask(5, 1);
  request(0).wait();
  request(0).begin();
  await ask(5, 2, 3);
  expect(names()).toEqual(['1: 5']);
  await request(0).end(new AppError('auth_service_unavailable', { upstream: 'no_response' }));
  expect([names(), answers]).toEqual([['1: 5', '2: 5'], ['1: auth_service_unavailable']]);
  request(1).wait();
  await nextTurn();
  request(1).begin();
  await request(1).end(new AppError('auth_service_unavailable', { upstream: 'no_response' }));
  expect(answers.slice(1).toSorted()).toEqual(['2: auth_service_unavailable', '3: auth_service_unavailable']);
});

it('an outage of a load that was never queued rejects all waiters immediately', async () => {
  const { ask, request, names, answers } = start();
  await ask(5, 1, 2);
  request(0).begin();
  await request(0).end(new AppError('auth_service_unavailable', { upstream: 'no_response' }));
  expect(names()).toHaveLength(1);
  expect(answers.toSorted()).toEqual(['1: auth_service_unavailable', '2: auth_service_unavailable']);
});

it('all keys of a request share one listener on its signal, which is removed at the end', async () => {
  const { askUntil, request, answers } = start(1_000);
  const leaving = new AbortController();
  await Promise.all(Array.from({ length: 1_000 }, (_, key) => askUntil(leaving.signal, key, 1)));
  expect(getEventListeners(leaving.signal, 'abort')).toHaveLength(1);
  await request(0).end('found');
  expect(answers).toHaveLength(1_000);
  expect(getEventListeners(leaving.signal, 'abort')).toHaveLength(0);
});
