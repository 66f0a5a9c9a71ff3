import { vi, expect } from 'vitest';
import { toServiceEntry } from '../../../server/src/service-access/new-service-key.ts';
import { createClock, startApp, type StartAppOptions, type TestApp } from '../app/start-app.ts';
import { readExposition } from '../output/exposition.ts';
import { atOnce } from '../time/timers.ts';
import { johnsCredentials as person } from '../app/people.ts';

const personWithSecondFactor = { ...person, email: 'rafael.domingo@example.com' };
const serviceKey = 'key-of-the-desk-0123456789-0123456789';
const origin = 'https://app.example.org';
const json = { 'content-type': 'application/json', 'x-csrf': '1' };

type Answer = { status: number; headers: Headers; text: string };

/** A visitor with a cookie jar. Each response goes to `seen`. */
const createVisitor = (app: TestApp, seen: Answer[]) => {
  const jar = new Map<string, string>();
  const send = async (
    target: string,
    init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {},
  ) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { origin, ...(cookie === '' ? {} : { cookie }), ...init.headers };
    const response = await fetch(`${app.url}${target}`, { ...init, headers });
    const answer = { status: response.status, headers: response.headers, text: await response.text() };
    seen.push(answer);
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  };
  return {
    jar,
    send,
    query: (path: string, input?: unknown) =>
      send(
        `/trpc/${path}${input === undefined ? '' : `?input=${encodeURIComponent(JSON.stringify({ json: input }))}`}`,
      ),
    mutate: (path: string, input: unknown = null) =>
      send(`/trpc/${path}`, { method: 'POST', headers: json, body: JSON.stringify({ json: input }) }),
  };
};

/**
 * Signs in and out, refreshes, looks people up, assigns, and fails in each way that HTTP requests and one fault of the
 * Auth Service can cause. Returns what an outside observer sees: responses, log lines and metrics.
 */
export const runTraffic = async (
  env: Record<string, string> = {},
  redis: Pick<StartAppOptions, 'redisTimeoutMs' | 'startRedisTimer'> = {},
) => {
  const clock = createClock();
  const seen: Answer[] = [];
  await using app = await startApp({
    now: clock.now,
    monotonicNow: clock.now,
    ...redis,
    startAnswerTimer: atOnce,
    env: {
      CORS_ORIGINS: origin,
      ASSIGNMENT_ROLES: 'TTS:Technician',
      SERVICE_KEYS: toServiceEntry('desk', serviceKey, ['employees.byId']),
      ...env,
    },
  });
  const visitor = () => createVisitor(app, seen);

  const stranger = visitor();
  await stranger.query('users.me');
  await stranger.query('session.current');
  await stranger.mutate('session.refresh');
  await stranger.mutate('session.login', { ...person, password: 'wrong-pass-1' });
  await stranger.query('status.get');
  await stranger.send('/health/live');
  await stranger.send('/health/ready');
  await stranger.send('/nowhere');
  await stranger.send('/trpc/session.logout', {
    method: 'OPTIONS',
    headers: { 'access-control-request-method': 'POST' },
  });
  await stranger.send('/trpc/session.logout', { method: 'POST', headers: { ...json, origin: 'https://evil.example' } });
  await stranger.send('/trpc/session.logout', { method: 'POST', headers: { 'content-type': 'text/plain' } });
  await stranger.send(`/trpc/users.byId?input=${'x'.repeat(13_000)}`);

  const serviceHeaders = { headers: { 'x-api-key': serviceKey } };
  await stranger.send('/trpc/employees.byId?input=%7B%22json%22%3A%7B%22id%22%3A1%7D%7D', serviceHeaders);
  await stranger.send('/trpc/users.me', serviceHeaders);

  const someone = visitor();
  await someone.mutate('session.login', person);
  const firstCookies = new Map(someone.jar);
  await someone.query('session.me');
  await someone.query('session.validate');
  await someone.query('users.me');
  await someone.query('users.byId', { id: 5 });
  await someone.query('users.byId', { id: 5 });
  await someone.query('users.byId', { id: 999_999 });
  await someone.query('users.byId', { id: 'none' });
  await someone.query('users.byIds', { ids: [1, 5, 12] });
  await someone.query('users.byCompanyId', { companyId: 'MA0001' });
  await someone.query('users.byRole', { system: 'TTS', role: 'Technician' });
  await someone.query('users.byRole', { system: 'BMS', role: 'User' });
  await someone.query('employees.byId', { id: 1 });
  await someone.query('no.such');
  const batch = encodeURIComponent(JSON.stringify({ 0: { json: { id: 5 } }, 1: { json: { id: 999_998 } } }));
  await someone.send(`/trpc/users.byId,users.byId?batch=1&input=${batch}`);
  await someone.query('session.logout');
  await someone.mutate('assignments.next', { system: 'TTS', role: 'Technician', key: 'T-1' });
  await someone.mutate('assignments.next', { system: 'TTS', role: 'Technician', key: 'T-1' });
  const technicians = { system: 'TTS', role: 'Technician' };
  await someone.query('assignments.candidates', technicians);
  await someone.mutate('assignments.reassign', { ...technicians, key: 'T-1' });
  await someone.mutate('assignments.reassign', { ...technicians, key: 'T-2' });
  await someone.mutate('assignments.setAvailability', { system: 'TTS', away: false });
  await someone.mutate('assignments.setAvailability', { system: 'TTS', away: true, note: 'Fishing' });
  await someone.query('assignments.rotation', technicians);
  await someone.query('assignments.history', technicians);
  await someone.mutate('assignments.reset', technicians);

  app.authService.fault('user', { kind: 'body', body: '{"id":"none"}' });
  await someone.query('users.byId', { id: 23 });
  app.authService.fault('user', { kind: 'status', status: 503 });
  clock.advance(120_000);
  await someone.query('users.byId', { id: 5 });
  await someone.query('users.byId', { id: 31 });
  app.authService.clearFaults();

  await someone.mutate('session.refresh');
  clock.advance(60_000);
  const late = visitor();
  for (const [name, value] of firstCookies) late.jar.set(name, value);
  await late.mutate('session.refresh');
  const signedOutCookies = new Map(someone.jar);
  await someone.mutate('session.logout');
  const afterSignOut = visitor();
  for (const [name, value] of signedOutCookies) afterSignOut.jar.set(name, value);
  await afterSignOut.query('session.me');

  const withSecondFactor = visitor();
  const { text } = await withSecondFactor.mutate('session.login', personWithSecondFactor);
  const { challenge } = (JSON.parse(text) as { result: { data: { json: { challenge: string } } } }).result.data.json;
  const code = app.authService.lastCode(personWithSecondFactor.email);
  await withSecondFactor.mutate('session.verifyOtp', { challenge, code: code === '000000' ? '000001' : '000000' });
  await withSecondFactor.mutate('session.verifyOtp', { challenge, code });

  await someone.mutate('session.login', person);
  await someone.query('account.profile');
  await someone.mutate('account.updateProfile', { username: 'another-name' });
  await someone.mutate('account.changePassword', { currentPassword: 'wrong-pass-1', newPassword: 'another-pass-2' });
  await someone.mutate('account.changePassword', { currentPassword: person.password, newPassword: 'another-pass-2' });
  await someone.query('session.me');
  await stranger.mutate('account.requestPasswordReset', { email: person.email });
  await stranger.mutate('account.resetPassword', { token: 'none-of-ours', newPassword: 'another-pass-3' });
  await someone.mutate('session.logoutEverywhere');

  const metrics = await (await fetch(`${await app.listenOps()}/metrics`)).text();
  await vi.waitFor(() =>
    expect(app.logLines.filter(({ method }) => method !== undefined).length).toBeGreaterThanOrEqual(seen.length),
  );
  return { seen, families: readExposition(metrics), logLines: app.logLines };
};

export type Traffic = Awaited<ReturnType<typeof runTraffic>>;
