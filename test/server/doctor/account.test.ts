import { describe, expect, it } from 'vitest';
import type { AuthServiceOptions } from '../../../server/dev/auth-service/auth-service.ts';
import { startAuthService } from '../../../server/dev/auth-service/auth-service.ts';
import type { Subject } from '../../../server/dev/auth-service/people/people.ts';
import { accountEndpoints } from '../../../server/src/auth-service/account/account-endpoints.ts';
import { checkAccount } from '../../../server/src/doctor/checks/account.ts';
import type { EndpointState } from '../../../server/src/doctor/endpoint-states.ts';
import { runDoctorHere, wellEnvironment } from '../../support/processes/run-doctor.ts';
import { apiKey, signingKey } from '../../support/app/start-app.ts';

/** What the doctor says about the account endpoints, by the mark of its line. */
const report = async (options: Partial<AuthServiceOptions>, subject?: Subject) => {
  await using service = await startAuthService({ signingKey, apiKey, ...options });
  const token = subject === undefined ? undefined : (await service.issue(subject)).access;
  const run = await runDoctorHere({
    env: wellEnvironment(service.url),
    ...(token === undefined ? {} : { token }),
  });
  const lines = run.stdout.split('\n').filter((line) => /^\S +account /.test(line));
  const withToken = service.calls.filter(({ headers }) => headers.cookie !== undefined);
  return {
    of: (text: string) => lines.find((line) => line.includes(text)) ?? '',
    count: lines.length,
    code: run.code,
    methods: new Set(service.calls.map(({ method }) => method)),
    pathsWithToken: withToken.map(({ path }) => path),
  };
};
const offers = 'the Auth Service offers';
const lacks = 'the Auth Service lacks';
const unknown = 'does not tell whether it offers';

describe('the doctor, about the endpoints of account.*,', () => {
  it('tells that the guide service offers all of them, without a token', async () => {
    const { of, count, methods } = await report({ dialect: 'guide' });
    expect(count).toBe(1);
    expect(of(offers)).toContain('staff-password-change, employee-password-change, staff-password-forgot');
    expect(of(offers)).toContain('staff-code');
    expect(methods).toEqual(new Set(['GET']));
  });

  it('tells of the deployed service what it offers without a token, and that the rest is unknown', async () => {
    const { of, code } = await report({ dialect: 'deployed' });
    expect(of(offers)).toContain(
      'offers staff-password-change-older, staff-password-forgot, employee-password-forgot, staff-password-reset, employee-password-reset',
    );
    expect(of(unknown)).toContain('employee-password-change, staff-second-factor-enable');
    expect([of(lacks), code]).toEqual(['', 0]);
  });

  it.each([
    ['staff', { type: 'staff', id: 123 }, /^\/api\/v1\/hdts\/employees/],
    ['an employee', { type: 'employee', id: 1 }, /^\/api\/v1\/users/],
  ] as const)(
    'learns the rest with a token of %s, which it sends to no path of others',
    async (_who, subject, others) => {
      const { of, pathsWithToken } = await report({ dialect: 'deployed' }, subject);
      expect(of(offers)).toContain(`${subject.type}-second-factor-disable`);
      expect(of(unknown)).not.toContain(`${subject.type}-second-factor-disable`);
      expect(pathsWithToken.filter((path) => others.test(path))).toEqual([]);
    },
  );

  it.each(['guide', 'deployed'] as const)('names those that a %s service lacks', async (dialect) => {
    const without = ['staff-second-factor-enable', 'employee-password-forgot', 'staff-password-change-older'] as const;
    const { of, code } = await report({ dialect, without }, { type: 'staff', id: 123 });
    expect(of(lacks)).toContain(
      'the Auth Service lacks employee-password-forgot, staff-second-factor-enable, so these calls fail with not_supported',
    );
    expect(code).toBe(0);
  });
});

it('of an endpoint that fails, the doctor does not say whether the Auth Service offers it', () => {
  const endpoint = accountEndpoints.enableSecondFactor.staff;
  const stateOf = (state: EndpointState['state']) =>
    JSON.stringify(checkAccount([{ endpoint, state } as EndpointState]));
  expect(stateOf('failing')).toContain(`${unknown} ${endpoint.name}`);
  expect(stateOf('exists')).toContain(`${offers} ${endpoint.name}`);
  expect(stateOf('missing')).toContain(`${lacks} ${endpoint.name}`);
});
