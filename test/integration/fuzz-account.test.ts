import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signInPeople } from '../../server/dev/auth-service/people/people.ts';
import { accountInput, accountProcedures, type RightValues, secretMark } from '../support/fuzz/account-inputs.ts';
import { createRandom } from '../support/fuzz/random.ts';
import { createRawConnection, type RawConnection } from '../support/app/raw-connection.ts';
import { postHeaders } from '../support/app/raw-request.ts';
import { createClock, dialects, startApp, type TestApp } from '../support/app/start-app.ts';
import { atOnce } from '../support/time/timers.ts';

/** For each procedure, by both kinds of people in both dialects. */
const inputs = Number(process.env.FUZZ_INPUTS ?? 80);
const seed = Number(process.env.FUZZ_SEED ?? 20_260_101);

const kinds = ['staff', 'employee'] as const;
const perKind = Math.ceil(inputs / dialects.length / kinds.length);
const passwordOf = { staff: 'staff-pass-1', employee: 'employee-pass-1' };
const people = { staff: { type: 'staff', id: 123 }, employee: { type: 'employee', id: 6 } } as const;
const emailOf = { staff: 'user@example.com', employee: 'fernando.aquino@partners.example.com' };

/** Hostile inputs are faults of the caller. None may look like a fault of the BFF or of the Auth Service. */
const faultReasons: ReadonlySet<string> = new Set([
  'internal',
  'auth_service_contract',
  'auth_service_unavailable',
  'overloaded',
  'store_unavailable',
  // Each input gets a window of its own, so that all of them are looked at.
  'rate_limited',
]);

const isFaultLine = /"reason":"(internal|auth_service_contract|auth_service_unavailable)"|unexpected response/;

/** Outcomes of inputs that were passed on. */
const beyondTheDoor: ReadonlySet<string> = new Set([
  'done',
  'otp_invalid',
  'reset_link_invalid',
  'insufficient_permissions',
  'not_supported',
]);

const second = signInPeople.find(({ shows }) => shows.startsWith('Second factor'));
if (second === undefined) throw new Error('No seeded person has a second factor.');

describe.each(dialects)('a hostile input in the %s dialect', (dialect) => {
  const clock = createClock();
  let app: TestApp;
  let connection: RawConnection;
  let upstream: RawConnection;
  beforeAll(async () => {
    app = await startApp({ dialect, now: clock.now, startAnswerTimer: atOnce, env: { RATE_LIMIT_PER_MINUTE: '0' } });
    connection = createRawConnection(app.url);
    upstream = createRawConnection(app.authService.url);
  });
  afterAll(async () => {
    connection.close();
    upstream.close();
    await app[Symbol.asyncDispose]();
  });

  const send = (path: string, body: string, cookie = '') =>
    connection.ask(
      path === 'account.profile'
        ? { target: `/trpc/${path}?input=${encodeURIComponent(body)}`, headers: { cookie } }
        : { method: 'POST', target: `/trpc/${path}`, headers: { ...postHeaders, cookie }, body },
    );

  const tokenFor = async (kind: (typeof kinds)[number]): Promise<string> => {
    const path = kind === 'staff' ? 'users/password/forgot/' : 'hdts/employees/api/password/forgot/';
    await upstream.ask({
      method: 'POST',
      target: `/api/v1/${path}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: emailOf[kind] }),
    });
    return /token=([\w-]+)/.exec(app.authService.mails.at(-1)?.text ?? '')?.[1] ?? '';
  };
  const challenge = async (): Promise<string> => {
    const input = { json: { email: second.email, password: second.password } };
    const { body } = await send('session.login', JSON.stringify(input));
    return /"challenge":"([^"]+)"/.exec(body)?.[1] ?? '';
  };
  const rightFor = async (procedure: string, kind: (typeof kinds)[number]): Promise<RightValues> => ({
    password: JSON.stringify(passwordOf[kind]),
    token: JSON.stringify(procedure === 'account.resetPassword' ? await tokenFor(kind) : ''),
    challenge: JSON.stringify(procedure === 'session.resendOtp' ? await challenge() : ''),
    code: JSON.stringify(app.authService.lastCode(emailOf[kind]) ?? '123456'),
  });

  it.each(accountProcedures.flatMap((procedure) => kinds.map((kind) => [procedure, kind] as const)))(
    'of %s by %s is answered as the fault of the caller, and repeats no secret',
    async (procedure, kind) => {
      const reasons = new Map<string, number>();
      const faults: string[] = [];
      for (let index = 0; index < perKind; index += 1) {
        clock.advance(16 * 60_000);
        app.authService.changePerson(people[kind], { password: passwordOf[kind], second_factor: index % 2 === 0 });
        const { access } = await app.authService.issue(people[kind]);
        const right = await rightFor(procedure, kind);
        const body = accountInput(createRandom(seed + index), procedure, right);
        const answer = await send(procedure, body, `access_token=${access}`);
        const reason = /"reason":"(\w+)"/.exec(answer.body)?.[1] ?? (answer.status === 200 ? 'done' : 'none');
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
        const isSecretRepeated = answer.status !== 200 && answer.body.includes(secretMark);
        if (faultReasons.has(reason) || reason === 'none' || isSecretRepeated) {
          faults.push(
            `FUZZ_SEED=${seed + index} ${body.slice(0, 500)} → ${answer.status} ${answer.body.slice(0, 500)}`,
          );
        }
      }
      expect(faults.slice(0, 5)).toEqual([]);
      // A request for a reset mail is answered before the Auth Service has answered.
      const lines = app.logLines.splice(0).map((line) => JSON.stringify(line));
      expect(lines.filter((line) => line.includes(secretMark) || isFaultLine.test(line)).slice(0, 5)).toEqual([]);
      // Otherwise the inputs say nothing: all were refused at the door, or all were right.
      expect([...reasons.keys()]).toContain('invalid_input');
      expect([...reasons.keys()].some((reason) => beyondTheDoor.has(reason))).toBe(true);
    },
  );
});
