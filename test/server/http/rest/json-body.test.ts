import { expect, it } from 'vitest';
import { toJsonBody, writeJsonInParts } from '../../../../server/src/http/rest/json-body.ts';

const user = (id: number) => ({
  id,
  firstName: 'Zoë "Z"',
  joinedAt: new Date(id),
  roles: [{ system: 'TTS' }],
  none: null,
});
const users = (count: number) => Array.from({ length: count }, (_, index) => user(index + 1));

it.each([
  ['nothing', {}],
  ['a list that just fits', { users: users(3) }],
  ['a list that is longer', { users: users(4), notFound: [] }],
  [
    'two long lists and other members',
    { a: 1, users: users(10), at: new Date(0), ids: [1, 2, 3, 4, 5, 6, 7], z: null },
  ],
])('JSON in parts equals JSON.stringify for %s', async (_, data) => {
  const waits: number[] = [];
  const body = await writeJsonInParts(data, {
    recordsPerPart: 3,
    beforePart(records) {
      waits.push(records);
      return Promise.resolve();
    },
  });
  expect(body.toString()).toBe(JSON.stringify(data));
  const expected = Object.values(data as Record<string, unknown>).flatMap((member) =>
    Array.isArray(member) ? [Math.max(0, Math.ceil(member.length / 3) - 1)] : [],
  );
  expect(waits).toHaveLength(expected.reduce((sum, parts) => sum + parts, 0));
});

it('2,000 users are written in several turns of the event loop, and 500 at once', async () => {
  const small = toJsonBody({ users: users(500) }, 'staff 1');
  expect(small).toBeTypeOf('string');
  let turns = 0;
  let isDone = false;
  const count = () => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const data = { users: users(2_000) };
  const large = await toJsonBody(data, 'staff 1');
  isDone = true;
  expect(turns).toBeGreaterThanOrEqual(2);
  expect(large.toString()).toBe(JSON.stringify(data));
});
