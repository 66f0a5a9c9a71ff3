import { beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../../server/src/errors.ts';
import type { Profile } from '../../../shared/src/index.ts';
import { reasonOf } from '../../support/app/browser.ts';
import { startApp } from '../../support/app/start-app.ts';
import { holdEndpoint } from '../../support/auth-service/hold-endpoint.ts';
import { createFakeAccountCalls } from '../../support/auth-service/fake-account-calls.ts';

const fake = createFakeAccountCalls();
beforeEach(() => fake.reset());

const own = { type: 'staff', id: 123 } as const;

const start = async () => {
  const app = await startApp({ accountCalls: fake.calls });
  const { authService } = app;
  const browserOf = async (id: number) => {
    const browser = app.browser();
    browser.holdTokens(await authService.issue({ type: 'staff', id }));
    return browser.trpc;
  };
  const rename = (firstName: string, error?: AppError): void =>
    fake.use({
      updateProfile: () => {
        authService.changePerson(own, { first_name: firstName });
        return error === undefined ? Promise.resolve({ ...emptyProfile, firstName }) : Promise.reject(error);
      },
    });
  return {
    app,
    authService,
    trpc: await browserOf(own.id),
    other: await browserOf(1),
    rename,
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
};

const emptyProfile: Profile = {
  ...own,
  email: 'user@example.com',
  username: null,
  firstName: 'John',
  middleName: null,
  lastName: 'Doe',
  suffix: null,
  fullName: 'John Doe',
  phoneNumber: null,
  companyId: 'MA0001',
  department: null,
  status: null,
  isActive: true,
  pictureUrl: null,
  secondFactor: false,
  joinedAt: null,
  lastSignInAt: null,
  systems: [],
  roles: [],
};

describe('after account.updateProfile', () => {
  it('every lookup of the person shows the new record', async () => {
    await using test = await start();
    const { trpc, other } = test;
    const companyId = (await trpc.users.byId.query({ id: own.id })).companyId ?? '';
    emptyProfile.companyId = companyId;
    const namesIn = async () => {
      const me = await trpc.users.me.query();
      const { users } = await other.users.byIds.query({ ids: [own.id, 1] });
      const byCompanyId = await other.users.byCompanyId.query({ companyId });
      const byId = await trpc.users.byId.query({ id: own.id });
      return [me, users[0], byCompanyId, byId].map((record) => record?.firstName);
    };
    const [before] = await namesIn();
    expect(await namesIn()).toEqual(Array(4).fill(before));
    test.rename('Renamed');
    await trpc.account.updateProfile.mutate({ firstName: 'Renamed' });
    expect(await namesIn()).toEqual(Array(4).fill('Renamed'));
  });

  it('that got no response, the record is loaded again as well', async () => {
    await using test = await start();
    await test.trpc.users.byId.query({ id: own.id });
    test.rename('Renamed', new AppError('auth_service_unavailable', { upstream: 'no_response' }));
    expect(await reasonOf(test.trpc.account.updateProfile.mutate({ firstName: 'Renamed' }))).toBe(
      'auth_service_unavailable',
    );
    expect((await test.trpc.users.byId.query({ id: own.id })).firstName).toBe('Renamed');
  });

  it('a lookup that began before it does not bring the old record back', async () => {
    await using test = await start();
    const { trpc, other, authService } = test;
    const held = holdEndpoint(authService, 'user');
    const early = other.users.byId.query({ id: own.id });
    await held.held;
    test.rename('Renamed');
    await trpc.account.updateProfile.mutate({ firstName: 'Renamed' });
    authService.clearFaults();
    const late = trpc.users.byId.query({ id: own.id });
    expect((await late).firstName).toBe('Renamed');
    held.release();
    expect((await early).firstName).not.toBe('Renamed');
    expect((await trpc.users.byId.query({ id: own.id })).firstName).toBe('Renamed');
    expect((await other.users.byId.query({ id: own.id })).firstName).toBe('Renamed');
  });
});
