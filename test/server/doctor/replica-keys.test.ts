import { Redis } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import { hasRedis, startRedis } from '../../support/redis/redis.ts';
import { runDoctorHere, wellEnvironment } from '../../support/processes/run-doctor.ts';
import { signingKey, startApp } from '../../support/app/start-app.ts';

const sealingKey = 'a-sealing-key-that-is-long-enough-0123456789';
const otherKey = 'another-key-that-is-long-enough-0123456789abcdef';
const hashName = 'auth-bff:replicas:keys';

/** Two replicas that run with these keys, and a doctor with others. */
const start = async (options: { isCluster?: boolean; env?: Record<string, string> } = {}) => {
  const redis = await startRedis(options);
  const url = options.isCluster === true ? `${redis.url}?cluster=true` : redis.url;
  const client = new Redis(redis.url);
  const env = { REDIS_URL: url, SEALING_KEY: sealingKey, ...options.env };
  const first = await startApp({ env });
  const second = await startApp({ env, upstream: first.authService });
  await vi.waitFor(async () => expect(await client.hlen(hashName)).toBe(2));
  return {
    redis,
    client,
    stopReplicas: async () => {
      await second.app.close();
      await first.app.close();
      await vi.waitFor(async () => expect(await client.exists(hashName)).toBe(0));
    },
    examine: (more: Record<string, string> = {}) =>
      runDoctorHere({ env: wellEnvironment(first.authService.url, { ...env, ...more }) }),
    async [Symbol.asyncDispose]() {
      client.disconnect();
      await second[Symbol.asyncDispose]();
      await first[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
};

describe.skipIf(!hasRedis())('the doctor compares its keys with those of the running replicas', () => {
  it('and reports equal keys, in a cluster as well', async () => {
    for (const options of [{}, { isCluster: true }]) {
      await using test = await start(options);
      const run = await test.examine();
      expect(run.stdout).toMatch(/^✓ SEALING_KEY +is the key of all 2 running replicas\.$/m);
      expect(run.stdout).toMatch(/^✓ DJANGO_JWT_SIGNING_KEY +is the key of all 2 running replicas\.$/m);
      expect(run.code).toBe(0);
      // It is no replica itself.
      expect(await test.client.hlen(hashName)).toBe(2);
    }
  });

  it('and names the differing variable and the action', async () => {
    await using test = await start();
    const sealing = await test.examine({ SEALING_KEY: otherKey });
    expect(sealing.line('✗', 'SEALING_KEY')).toMatch(
      /differs from the key of 2 of 2 running replicas, so .* Set SEALING_KEY to the same value in all replicas/,
    );
    expect(sealing.code).toBe(1);
    const signing = await test.examine({ DJANGO_JWT_SIGNING_KEY: otherKey });
    expect(signing.line('✗', 'DJANGO_JWT_SIGNING_KEY')).toMatch(
      /differs from the key of 2 of 2 running replicas, and replicas reject tokens .*\. Set it to the Auth Service's/,
    );
    expect(`${sealing.stdout}${signing.stdout}`).not.toMatch(/long-enough/);
  });

  it('and warns about a key change that has not reached all replicas', async () => {
    await using test = await start();
    const run = await test.examine({
      DJANGO_JWT_SIGNING_KEY: otherKey,
      DJANGO_JWT_SIGNING_KEY_PREVIOUS: signingKey,
    });
    expect(run.stdout).toMatch(
      /^! DJANGO_JWT_SIGNING_KEY +differs from the key of 2 of 2 .*, as is normal during a key change\./m,
    );
    expect(run.code).toBe(0);
  });

  it('but skips invalid keys, unused keys, and an empty list of replicas', async () => {
    await using test = await start();
    expect((await test.examine({ SEALING_KEY: 'short' })).stdout).not.toMatch(/SEALING_KEY .*running replicas/);
    const remote = await test.examine({ TOKEN_VALIDATION: 'remote' });
    expect(remote.stdout).toMatch(/^✓ SEALING_KEY +is the key of all 2 running replicas\.$/m);
    expect(remote.stdout).not.toMatch(/DJANGO_JWT_SIGNING_KEY .*running replicas/);
    await test.stopReplicas();
    expect((await test.examine()).line('✓', 'replicas')).toContain(
      'no replica is running with this Redis and REDIS_PREFIX',
    );
  });

  it('but not the signing key with replicas that have none', async () => {
    await using test = await start({ env: { TOKEN_VALIDATION: 'remote' } });
    const run = await test.examine({ TOKEN_VALIDATION: 'local' });
    expect(run.stdout).toMatch(/^✓ SEALING_KEY +is the key of all 2 running replicas\.$/m);
    expect(run.stdout).not.toMatch(/DJANGO_JWT_SIGNING_KEY .*running replicas/);
  });

  it('and reports unusable Redis as unchecked, and no Redis not at all', async () => {
    await using test = await start();
    const other = await test.examine({ REDIS_URL: 'redis://127.0.0.1:9' });
    expect(other.line('!', 'replicas')).toContain('not checked because Redis is unusable');
    const prefix = await test.examine({ REDIS_PREFIX: 'not this one' });
    expect(prefix.line('!', 'replicas')).toContain('not checked because REDIS_PREFIX is invalid');
    expect((await test.examine({ REDIS_URL: '' })).stdout).not.toMatch(/replicas/);
  });
});
