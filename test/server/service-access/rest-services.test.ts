import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askRaw, type RawRequest } from '../../support/app/raw-request.ts';
import { startServices, type TestServices } from '../../support/app/start-services.ts';
import { hasRedis, startRedis } from '../../support/redis/redis.ts';

const grants = { desk: ['users.byId', 'assignments.next', 'employees.byId'] };

/** Sends a request with the key of the desk, and returns its status and its body. */
const askAs = async (test: TestServices, request: RawRequest, key = test.keyOf('desk')) => {
  const headers = { 'x-api-key': key, ...request.headers };
  const { status, body } = await askRaw(test.app.url, { ...request, headers });
  return [status, JSON.parse(body)] as const;
};

describe('a service over REST', () => {
  let test: TestServices;
  beforeAll(async () => {
    test = await startServices({ grants });
  });
  afterAll(() => test[Symbol.asyncDispose]());

  it('calls what its grant names, and needs no x-csrf', async () => {
    expect(await askAs(test, { target: '/bff/api/users/5' })).toMatchObject([200, { id: 5, firstName: 'Kwame' }]);
    expect(await askAs(test, { target: '/bff/api/employees/1' })).toMatchObject([200, { id: 1 }]);
    const next = { method: 'POST', target: '/bff/api/assignments/TTS/Technician/next' };
    expect(await askAs(test, next)).toMatchObject([200, { assignee: { id: expect.any(Number) } }]);
  });

  it('is refused outside its grant, and with an unknown key', async () => {
    const peek = { target: '/bff/api/assignments/TTS/Technician/next' };
    expect(await askAs(test, peek)).toMatchObject([403, { reason: 'insufficient_permissions' }]);
    const unknown = await askAs(test, { target: '/bff/api/users/5' }, 'a-key-that-nobody-has-been-given-yet');
    expect(unknown).toMatchObject([401, { reason: 'token_invalid' }]);
  });

  it('gives way to a session, even an invalid one', async () => {
    const headers = { authorization: 'Bearer none' };
    expect(await askAs(test, { target: '/bff/api/users/5', headers })).toMatchObject([
      401,
      { reason: 'token_invalid' },
    ]);
  });
});

it('a service account works with remote validation', async () => {
  await using test = await startServices({
    grants,
    env: { TOKEN_VALIDATION: 'remote', SEALING_KEY: 'sealing-key-of-at-least-32-bytes-01' },
  });
  expect(await askAs(test, { target: '/bff/api/users/5' })).toMatchObject([200, { id: 5 }]);
});

it.skipIf(!hasRedis())('a service is served with Redis, also while it is down', async () => {
  await using redis = await startRedis();
  await using test = await startServices({ grants, env: { REDIS_URL: redis.url } });
  expect(await askAs(test, { target: '/bff/api/users/5' })).toMatchObject([200, { id: 5 }]);
  await redis.stop();
  expect(await askAs(test, { target: '/bff/api/users/6' })).toMatchObject([200, { id: 6 }]);
});
