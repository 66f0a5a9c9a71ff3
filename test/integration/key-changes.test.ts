import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../server/middleware/src/authenticator.ts';
import { reasonOf } from '../support/app/browser.ts';
import { john, johnsCredentials } from '../support/app/people.ts';
import { accessLifetimeMs, dialects } from '../support/app/start-app.ts';
import { type KeyChange, newKey, oldKey, startKeyChange, type Visitor } from '../support/keys/start-key-change.ts';
import { serve } from '../support/app/serve.ts';
import { hasRedis, type RedisServer, startRedis } from '../support/redis/redis.ts';

/** The steps are those of docs/security.md, "Change keys". */
const planned = { DJANGO_JWT_SIGNING_KEY: newKey, DJANGO_JWT_SIGNING_KEY_PREVIOUS: oldKey, SEALING_KEY: oldKey };
const compromised = {
  DJANGO_JWT_SIGNING_KEY: newKey,
  SEALING_KEY: 'another-sealing-key-of-at-least-32-bytes',
};
const replicas = [0, 1] as const;
const people = 15;

const visitAll = (change: KeyChange) => Promise.all(Array.from({ length: people }, () => change.visit()));

/** The state of a session on a replica. If it is signed in, the Auth Service is asked, too. */
const stateOn = async (visitor: Visitor, replica: 0 | 1): Promise<string> => {
  const { trpc } = visitor.on(replica);
  const { state } = await trpc.session.current.query();
  if (state === 'signed_in') await trpc.session.validate.query();
  return state;
};
const statesOf = async (visitors: readonly Visitor[], replica: 0 | 1) => [
  ...new Set(await Promise.all(visitors.map((visitor) => stateOn(visitor, replica)))),
];
const refresh = (visitor: Visitor, replica: 0 | 1) => visitor.on(replica).trpc.session.refresh.mutate();

describe.skipIf(!hasRedis()).each(dialects)('a change of keys in front of the %s dialect', (dialect) => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  describe('as planned', () => {
    it('signs nobody out while the replicas restart, and nobody after it if the Auth Service accepts both keys', async () => {
      await using change = await startKeyChange({ redis, dialect });
      const visitors = await visitAll(change);
      for (const replica of replicas) {
        await change.restart(replica, planned);
        for (const each of replicas) expect(await statesOf(visitors, each)).toEqual(['signed_in']);
        await Promise.all(visitors.slice(replica * 5, replica * 5 + 5).map((visitor) => refresh(visitor, replica)));
      }
      change.authService.changeSigningKey(newKey, { alsoAccepted: [oldKey] });
      for (const each of replicas) expect(await statesOf(visitors, each)).toEqual(['signed_in']);
      const last = visitors.slice(10);
      await Promise.all(last.map((visitor) => refresh(visitor, 1)));
      // Their tokens have the new key by now.
      for (const replica of replicas) {
        await change.restart(replica, { ...planned, DJANGO_JWT_SIGNING_KEY_PREVIOUS: '' });
        expect(await statesOf(last, replica)).toEqual(['signed_in']);
      }
    });

    it('asks everybody to sign in once, within the life of an access token, if the Auth Service verifies with one key', async () => {
      await using change = await startKeyChange({ redis, dialect });
      const visitors = await visitAll(change);
      for (const replica of replicas) await change.restart(replica, planned);
      change.authService.changeSigningKey(newKey);
      change.clock.advance(accessLifetimeMs[dialect]);
      for (const visitor of visitors) {
        expect((await visitor.on(0).trpc.session.current.query()).state).toBe('expired');
        expect(await reasonOf(refresh(visitor, 0))).toBe('session_ended');
        expect([...visitor.cookies.keys()]).toEqual([]);
      }
      const [visitor = await change.visit()] = visitors;
      await visitor.on(1).trpc.session.login.mutate(johnsCredentials);
      for (const each of replicas) expect(await stateOn(visitor, each)).toBe('signed_in');
      await refresh(visitor, 0);
    });

    it('keeps sign-outs and turns', async () => {
      await using change = await startKeyChange({ redis, dialect });
      const [leaving, staying] = [await change.visit(), await change.visit()];
      const left = new Map(leaving.cookies);
      await leaving.on(0).trpc.session.logout.mutate();
      const next = async (key: string) =>
        (await staying.on(0).trpc.assignments.next.mutate({ system: 'TTS', role: 'Technician', key })).assignee?.id;
      const [first, second] = [await next('T-1'), await next('T-2')];
      for (const replica of replicas) await change.restart(replica, planned);
      for (const [name, value] of left) leaving.cookies.set(name, value);
      expect(await stateOn(leaving, 1)).toBe('signed_out');
      expect([await next('T-1'), await next('T-2')]).toEqual([first, second]);
      expect(await next('T-3')).not.toBe(second);
    });
  });

  describe('that were compromised', () => {
    it('ends every session at once, and no forged token is accepted', async () => {
      await using change = await startKeyChange({ redis, dialect });
      const visitors = await visitAll(change);
      // A holder of the key signs tokens without the Auth Service.
      const forged = await change.authService.issue(john, { jti: randomUUID() });
      for (const replica of replicas) await change.restart(replica, compromised);
      for (const visitor of visitors) {
        expect(await reasonOf(visitor.on(0).trpc.users.byId.query({ id: john.id }))).toBe('token_invalid');
        expect(await reasonOf(refresh(visitor, 1))).toBe('token_invalid');
        expect([...visitor.cookies.keys()]).toEqual([]);
      }
      const forger = change.replicas[0].browser();
      forger.holdTokens(forged);
      expect(await reasonOf(forger.trpc.users.byId.query({ id: john.id }))).toBe('token_invalid');
      expect(change.authService.count('refresh')).toBe(0);

      // Until the Auth Service has the new key, nobody can sign in. The log says why.
      const [visitor = await change.visit()] = visitors;
      expect(await reasonOf(visitor.on(0).trpc.session.login.mutate(johnsCredentials))).toBe('auth_service_contract');
      change.authService.changeSigningKey(newKey);
      await visitor.on(1).trpc.session.login.mutate(johnsCredentials);
      for (const each of replicas) expect(await stateOn(visitor, each)).toBe('signed_in');
    });

    it('shows a replica that was forgotten', async () => {
      await using change = await startKeyChange({ redis, dialect });
      await change.restart(0, compromised);
      const url = await change.replicas[0].app.listenOps();
      const metrics = async () => (await fetch(`${url}/metrics`)).text();
      // The replica compares its keys while it already answers.
      await expect.poll(metrics).toContain('auth_bff_key_mismatch{variable="SEALING_KEY"} 1');
    });
  });

  describe('behind which services verify', () => {
    const tickets = 'tickets';
    const assertionOf = async (visitor: Visitor, { url }: { url: string }) => {
      const answer = await visitor.on(0).fetch(`${url}/bff/verify?audience=${tickets}`);
      return answer.headers.get('x-auth-assertion') ?? '';
    };

    const startService = async (change: KeyChange) => {
      // The address of the BFF stays when a replica is replaced.
      const bff = await serve((request, response) => {
        void fetch(`${change.replicas[0].url}${request.url}`).then(async (answer) => {
          response.setHeader('content-type', 'application/json').end(await answer.text());
        });
      });
      const { authenticate } = createAuthenticator({
        jwks: `${bff.url}/bff/jwks.json`,
        audience: tickets,
        now: change.clock.now,
      });
      return {
        stateOf: async (assertion: string) =>
          (await authenticate({ url: '/', headers: { 'x-auth-assertion': assertion } })).state,
        [Symbol.asyncDispose]: () => bff[Symbol.asyncDispose](),
      };
    };

    it('assertions, and need nothing in a planned change', async () => {
      await using change = await startKeyChange({ redis, dialect });
      await using service = await startService(change);
      const visitor = await change.visit();
      for (const replica of replicas) {
        for (const each of replicas)
          expect(await service.stateOf(await assertionOf(visitor, change.replicas[each]))).toBe('admitted');
        await change.restart(replica, planned);
      }
      expect(await service.stateOf(await assertionOf(visitor, change.replicas[1]))).toBe('admitted');
    });

    it('assertions, and refuse those of the compromised key without a restart', async () => {
      await using change = await startKeyChange({ redis, dialect });
      await using service = await startService(change);
      const visitor = await change.visit();
      const [old, unused] = [
        await assertionOf(visitor, change.replicas[0]),
        await assertionOf(visitor, change.replicas[1]),
      ];
      expect(await service.stateOf(old)).toBe('admitted');
      for (const replica of replicas) await change.restart(replica, compromised);
      change.authService.changeSigningKey(newKey);
      change.clock.advance(10_000);
      const renewed = await change.visit();
      expect(await service.stateOf(await assertionOf(renewed, change.replicas[0]))).toBe('admitted');
      expect(await service.stateOf(unused)).toBe('refused');
    });

    it('tokens, and accept both keys before the Auth Service signs with the new one', async () => {
      await using change = await startKeyChange({ redis, dialect });
      const service = createAuthenticator({ signingKeys: [newKey, oldKey], now: change.clock.now });
      const ask = async (access: string) =>
        (await service.authenticate({ url: '/', headers: { authorization: `Bearer ${access}` } })).state;
      const before = await change.authService.issue(john);
      expect(await ask(before.access)).toBe('admitted');
      change.authService.changeSigningKey(newKey);
      const after = await change.authService.issue(john);
      expect([await ask(before.access), await ask(after.access)]).toEqual(['admitted', 'admitted']);
    });
  });
});
