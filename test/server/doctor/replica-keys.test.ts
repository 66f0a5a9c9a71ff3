import { Redis } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import { hasRedis, startRedis } from '../../support/redis/redis.ts';
import { examineHere, wellEnvironment } from '../../support/processes/run-doctor.ts';
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
      examineHere({ env: wellEnvironment(first.authService.url, { ...env, ...more }) }),
    async [Symbol.asyncDispose]() {
      client.disconnect();
      await second[Symbol.asyncDispose]();
      await first[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
};

describe.skipIf(!hasRedis())(
  'the doctor compares the keys of its environment with those of the running replicas',
  () => {
    it('and says that they are the same, in a cluster as well', async () => {
      for (const options of [{}, { isCluster: true }]) {
        await using test = await start(options);
        const run = await test.examine();
        expect(run.stdout).toMatch(/^✓ SEALING_KEY +is that of all 2 running replicas\.$/m);
        expect(run.stdout).toMatch(/^✓ DJANGO_JWT_SIGNING_KEY +is that of all 2 running replicas\.$/m);
        expect(run.code).toBe(0);
        // It is no replica itself.
        expect(await test.client.hlen(hashName)).toBe(2);
      }
    });

    it('and names the variable that differs, with what to do', async () => {
      await using test = await start();
      const sealing = await test.examine({ SEALING_KEY: otherKey });
      expect(sealing.line('✗', 'SEALING_KEY')).toMatch(
        /differs from that of 2 of 2 running replicas, so that .* Set SEALING_KEY to one value in all replicas/,
      );
      expect(sealing.code).toBe(1);
      const signing = await test.examine({ DJANGO_JWT_SIGNING_KEY: otherKey });
      expect(signing.line('✗', 'DJANGO_JWT_SIGNING_KEY')).toMatch(
        /differs from that of 2 of 2 running replicas, and neither accepts the other key\. Set it to the Auth Service's/,
      );
      expect(`${sealing.stdout}${signing.stdout}`).not.toMatch(/long-enough/);
    });

    it('and warns of a key change that has not reached them', async () => {
      await using test = await start();
      const run = await test.examine({
        DJANGO_JWT_SIGNING_KEY: otherKey,
        DJANGO_JWT_SIGNING_KEY_PREVIOUS: signingKey,
      });
      expect(run.stdout).toMatch(
        /^! DJANGO_JWT_SIGNING_KEY +differs from that of 2 of 2 .*, as during a key change\./m,
      );
      expect(run.code).toBe(0);
    });

    it('and compares no key that is at fault, and none where nobody signs or nobody runs', async () => {
      await using test = await start();
      expect((await test.examine({ SEALING_KEY: 'short' })).stdout).not.toMatch(/SEALING_KEY .*running replicas/);
      const remote = await test.examine({ TOKEN_VALIDATION: 'remote' });
      expect(remote.stdout).toMatch(/^✓ SEALING_KEY +is that of all 2 running replicas\.$/m);
      expect(remote.stdout).not.toMatch(/DJANGO_JWT_SIGNING_KEY .*running replicas/);
      await test.stopReplicas();
      expect((await test.examine()).line('✓', 'replicas')).toContain('none runs over this Redis and REDIS_PREFIX');
    });

    it('and compares no signing key with replicas that have none', async () => {
      await using test = await start({ env: { TOKEN_VALIDATION: 'remote' } });
      const run = await test.examine({ TOKEN_VALIDATION: 'local' });
      expect(run.stdout).toMatch(/^✓ SEALING_KEY +is that of all 2 running replicas\.$/m);
      expect(run.stdout).not.toMatch(/DJANGO_JWT_SIGNING_KEY .*running replicas/);
    });

    it('and says that it did not where Redis cannot be used, and nothing where there is none', async () => {
      await using test = await start();
      const other = await test.examine({ REDIS_URL: 'redis://127.0.0.1:9' });
      expect(other.line('!', 'replicas')).toContain('not checked because Redis cannot be used');
      const prefix = await test.examine({ REDIS_PREFIX: 'not this one' });
      expect(prefix.line('!', 'replicas')).toContain('not checked because REDIS_PREFIX is at fault');
      expect((await test.examine({ REDIS_URL: '' })).stdout).not.toMatch(/replicas/);
    });
  },
);
