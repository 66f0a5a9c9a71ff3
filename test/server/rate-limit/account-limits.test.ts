import { describe, expect, it } from 'vitest';
import { hasRedis } from '../../support/redis/redis.ts';
import { dialects } from '../../support/app/start-app.ts';
import { startReplicas } from '../../support/processes/start-replicas.ts';
import { createSignInTries, type SignInTries, startSignInApp as start } from '../../support/app/try-sign-in.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** An account of each type, and its limits. */
const accounts = [
  {
    as: 'staff',
    id: 123,
    email: 'user@example.com',
    password: 'staff-pass-1',
    atOnce: 7,
    sinceSignIn: 8,
    lockedAfter: 10,
    windowMs: 15 * minuteMs,
  },
  {
    as: 'employee',
    id: 1,
    email: 'alice.navarro@partners.example.com',
    password: 'employee-pass-1',
    atOnce: 3,
    sinceSignIn: 4,
    lockedAfter: 5,
    windowMs: 30 * minuteMs,
  },
] as const;
type Account = (typeof accounts)[number];

/** Each account type and dialect; they differ in the response to a wrong password and to a success. */
const cases = accounts.map((account, index) => ({ dialect: dialects[index] ?? 'guide', account, as: account.as }));
const allCases = dialects.flatMap((dialect) => accounts.map((account) => ({ dialect, account, as: account.as })));

const asked = ({ authService }: Pick<Awaited<ReturnType<typeof start>>, 'authService'>, { as }: Pick<Account, 'as'>) =>
  authService.count(`${as}-login`);

/** Each attempt comes from a new address, by a browser without cookies. */
let nextAddress = 0;
const address = () => {
  nextAddress += 1;
  return `198.51.${nextAddress >> 8}.${nextAddress & 255}`;
};
const wrong = (tryIn: SignInTries, { as, email }: Account, spelling = email as string) =>
  tryIn({ as, email: spelling, password: 'wrong', address: address() });
const right = (tryIn: SignInTries, { as, email, password }: Account, cookie?: string) =>
  tryIn({ as, email, password, address: address(), cookie });

/** The outcomes of `count` consecutive attempts. */
const endsOf = async (count: number, attempt: (index: number) => Promise<{ end: string }>): Promise<string[]> => {
  const ends: string[] = [];
  for (let index = 0; index < count; index += 1) ends.push((await attempt(index)).end);
  return ends;
};
const times = <Value>(count: number, value: Value): Value[] => Array.from({ length: count }, () => value);

describe.each(allCases)('failed sign-ins from unknown browsers ($as, $dialect)', ({ dialect, account }) => {
  const { atOnce, sinceSignIn, windowMs, lockedAfter } = account;

  it('reach the Auth Service less often than its lock requires, from any number of addresses', async () => {
    await using test = await start({ dialect });
    const ends = await endsOf(atOnce + 3, () => wrong(test.tryIn, account));
    expect(ends).toEqual([...times(atOnce, 'bad_credentials'), ...times(3, 'rate_limited')]);
    expect(asked(test, account)).toBe(atOnce);
  });

  it('stay below the lock for a day if the account has a known browser', async () => {
    await using test = await start({ dialect });
    const { device } = await right(test.tryIn, account);
    test.authService.resetCalls();
    const attack = async () => {
      for (const count of [lockedAfter, 3, 3]) {
        await endsOf(count, () => wrong(test.tryIn, account));
        test.clock.advance(windowMs);
      }
    };
    await attack();
    expect(asked(test, account)).toBe(sinceSignIn);
    const refused = await wrong(test.tryIn, account);
    expect(refused.end).toBe('rate_limited');
    expect(refused.retryAfterSeconds).toBeGreaterThan(20 * 60 * 60);

    // A sign-in resets the count of the Auth Service and of the BFF.
    expect((await right(test.tryIn, account, device ?? '')).end).toBe('signed_in');
    test.clock.advance(windowMs);
    await attack();
    expect(asked(test, account)).toBe(2 * sinceSignIn + 1);
    expect((await right(test.tryIn, account, device ?? '')).end).toBe('signed_in');
  });
});

describe.each(cases)(
  'failed sign-ins from unknown browsers and their window ($as, $dialect)',
  ({ dialect, account }) => {
    const { atOnce, windowMs } = account;

    it('count together for all spellings of the e-mail address', async () => {
      await using test = await start({ dialect });
      const [name = '', domain = ''] = account.email.split('@');
      const spellings = [
        account.email,
        account.email.toUpperCase(),
        `${name}\uff20${domain}`,
        `${name.replace('s', '\u017f')}@${domain.replace('e', '\u00ade')}`,
        `${name.replace('i', '\u0131').replace('r', 'r\u0307')}@${domain}`,
      ];
      const ends = await endsOf(atOnce + 5, (index) => wrong(test.tryIn, account, spellings[index % 5]));
      expect(ends.filter((end) => end === 'rate_limited')).toHaveLength(5);
      expect(asked(test, account)).toBe(atOnce);
    });

    it('stay limited if they are parallel', async () => {
      await using test = await start({ dialect });
      const ends = await Promise.all(times(25, account).map((one) => wrong(test.tryIn, one)));
      expect(ends.filter(({ end }) => end === 'bad_credentials')).toHaveLength(atOnce);
      expect(asked(test, account)).toBe(atOnce);
    });

    it('make the BFF reject unknown browsers with the right password, but not known ones', async () => {
      await using test = await start({ dialect });
      const { device } = await right(test.tryIn, account);
      await endsOf(atOnce, () => wrong(test.tryIn, account));
      expect(await right(test.tryIn, account)).toMatchObject({
        end: 'rate_limited',
        retryAfterSeconds: windowMs / 1000,
      });
      expect(asked(test, account)).toBe(1 + atOnce);
      expect((await right(test.tryIn, account, device ?? '')).end).toBe('signed_in');
    });

    it('expire after the duration of a lock without an attempt', async () => {
      await using test = await start({ dialect });
      await endsOf(atOnce, () => wrong(test.tryIn, account));
      test.clock.advance(windowMs - 1_000);
      expect((await right(test.tryIn, account)).end).toBe('rate_limited');
      test.clock.advance(windowMs - 1_000);
      expect((await right(test.tryIn, account)).retryAfterSeconds).toBe(windowMs / 1000);
      test.clock.advance(windowMs);
      expect((await right(test.tryIn, account)).end).toBe('signed_in');
    });

    it('since the last sign-in expire after a day without an attempt', async () => {
      await using test = await start({ dialect });
      await right(test.tryIn, account);
      await endsOf(atOnce, () => wrong(test.tryIn, account));
      test.clock.advance(windowMs);
      expect((await wrong(test.tryIn, account)).end).toBe('bad_credentials');
      test.clock.advance(dayMs - 1_000);
      expect((await right(test.tryIn, account)).end).toBe('rate_limited');
      test.clock.advance(windowMs);
      expect((await right(test.tryIn, account)).end).toBe('signed_in');
    });

    it('do not include successful attempts', async () => {
      await using test = await start({ dialect });
      const { as, email, password } = account;
      const ends = await endsOf(12, () => test.tryIn({ as, email, password }));
      expect(ends).toEqual(times(12, 'signed_in'));
      await endsOf(atOnce - 1, () => wrong(test.tryIn, account));
      expect((await right(test.tryIn, account)).end).toBe('signed_in');
    });
  },
);

describe.each(cases)('failed attempts of a known browser ($as, $dialect)', ({ dialect, account }) => {
  const { atOnce, windowMs, lockedAfter } = account;
  const signedInWith = async (test: Awaited<ReturnType<typeof start>>) =>
    (await right(test.tryIn, account)).device ?? '';
  const mistype = (tryIn: SignInTries, cookie: string) =>
    tryIn({ as: account.as, email: account.email, password: 'wrong', cookie });

  it('during an attack leave an attempt for the right password', async () => {
    await using test = await start({ dialect });
    const cookie = await signedInWith(test);
    await endsOf(atOnce + 5, () => wrong(test.tryIn, account));
    expect((await mistype(test.tryIn, cookie)).end).toBe('bad_credentials');
    expect((await right(test.tryIn, account, cookie)).end).toBe('signed_in');
  });

  it('during an attack on staff are rejected before one would lock the account', async () => {
    await using test = await start({ dialect });
    const [staff] = accounts;
    const { device } = await right(test.tryIn, staff);
    const cookie = device ?? '';
    const mistypeStaff = () => test.tryIn({ email: staff.email, password: 'wrong', cookie });
    await endsOf(staff.atOnce + 5, () => wrong(test.tryIn, staff));
    expect(await endsOf(3, mistypeStaff)).toEqual(['bad_credentials', 'bad_credentials', 'rate_limited']);
    // The BFF stops calling the Auth Service, even for the right password, until the lock would be over.
    const refused = await right(test.tryIn, staff, cookie);
    expect(refused).toMatchObject({ end: 'rate_limited', retryAfterSeconds: staff.windowMs / 1000 });
    test.clock.advance(staff.windowMs);
    expect((await right(test.tryIn, staff, cookie)).end).toBe('signed_in');
  });

  it('without an attack are rejected before one would lock the account', async () => {
    await using test = await start({ dialect });
    const cookie = await signedInWith(test);
    const most = lockedAfter - 1;
    expect(await endsOf(most, () => mistype(test.tryIn, cookie))).toEqual(times(most, 'bad_credentials'));
    expect((await mistype(test.tryIn, cookie)).end).toBe('rate_limited');
    expect((await wrong(test.tryIn, account)).end).toBe('rate_limited');
    test.clock.advance(windowMs);
    expect((await right(test.tryIn, account, cookie)).end).toBe('signed_in');
  });

  it('stay limited if they are parallel', async () => {
    await using test = await start({ dialect });
    const cookie = await signedInWith(test);
    test.authService.resetCalls();
    await Promise.all(times(20, cookie).map((one) => mistype(test.tryIn, one)));
    expect(asked(test, account)).toBeLessThan(lockedAfter);
  });

  it('do not affect another browser of the person', async () => {
    await using test = await start({ dialect });
    const [one, other] = [await signedInWith(test), await signedInWith(test)];
    const ends = await endsOf(lockedAfter, () => mistype(test.tryIn, one));
    expect(ends.at(-1)).toBe('rate_limited');
    expect((await right(test.tryIn, account, other)).end).toBe('signed_in');
    expect((await right(test.tryIn, account, one)).end).toBe('signed_in');
  });
});

it('a known browser is not limited by unknown browsers at the same address', async () => {
  await using test = await start();
  const [staff] = accounts;
  const { device } = await right(test.tryIn, staff);
  const nearby = { address: '203.0.113.1', password: 'wrong' };
  for (let index = 0; index < 20; index += 1) {
    await test.tryIn({ ...nearby, email: index % 2 === 0 ? staff.email : `user-${index}@example.com` });
  }
  await Promise.all(times(95, nearby).map((one, index) => test.tryIn({ ...one, email: `other-${index}@example.com` })));
  expect((await test.tryIn({ ...nearby, email: 'new@example.com' })).end).toBe('rate_limited');
  const { email, password } = staff;
  expect((await test.tryIn({ email, password, address: '203.0.113.1', cookie: device ?? '' })).end).toBe('signed_in');
});

it('a missing captcha uses up no attempts of the account, because the Auth Service checks it before the password', async () => {
  await using test = await start({ dialect: 'deployed' });
  const hana = { email: 'hana.kobayashi@example.com', password: 'staff-pass-1' };
  expect(await endsOf(9, () => test.tryIn(hana))).toEqual(times(9, 'captcha_required'));
  expect((await test.tryIn({ ...hana, captchaToken: 'captcha-ok', address: address() })).end).toBe('signed_in');
});

it('the error page of a proxy uses up no attempts of the account', async () => {
  await using test = await start();
  const [staff] = accounts;
  const page = { kind: 'status', status: 403, body: '<html>Maintenance</html>', contentType: 'text/html' } as const;
  test.authService.fault('staff-login', page);
  expect(await endsOf(9, () => wrong(test.tryIn, staff))).toEqual(times(9, 'auth_service_contract'));
  test.authService.clearFaults();
  expect((await right(test.tryIn, staff)).end).toBe('signed_in');
});

it('a sign-in to an account with a lookalike address does not reset the failed attempts', async () => {
  await using test = await start({ dialect: 'deployed' });
  const [staff] = accounts;
  const lookalike = { ...staff, email: 'u\u017fer@example.com' };
  test.authService.changePerson({ type: 'staff', id: 4 }, { email: lookalike.email });
  const { device } = await right(test.tryIn, staff);
  for (let round = 0; round < 4; round += 1) {
    await endsOf(10, () => wrong(test.tryIn, staff));
    test.clock.advance(staff.windowMs);
    expect((await right(test.tryIn, { ...lookalike, email: lookalike.email as never })).end).toBe('signed_in');
    test.clock.advance(staff.windowMs);
  }
  expect(test.authService.calls.filter(({ body }) => body.includes('"wrong"'))).toHaveLength(staff.sinceSignIn);
  expect((await right(test.tryIn, staff, device ?? '')).end).toBe('signed_in');
});

describe.skipIf(!hasRedis())('attempts of an account with two replicas', () => {
  const [staff] = accounts;
  const startTwo = async () => {
    const replicas = await startReplicas({ env: { TRUST_PROXY: '1', RATE_LIMIT_PER_MINUTE: '0' } });
    const tries = [createSignInTries(replicas.first.url), createSignInTries(replicas.second.url)];
    const at = (index: number): SignInTries => tries[index % 2] as SignInTries;
    return { ...replicas, at, [Symbol.asyncDispose]: () => replicas[Symbol.asyncDispose]() };
  };

  it('are shared, and both replicas recognise a known browser', async () => {
    await using test = await startTwo();
    const { device } = await right(test.at(0), staff);
    test.authService.resetCalls();
    const ends = await Promise.all(times(20, staff).map((one, index) => wrong(test.at(index), one)));
    expect(ends.filter(({ end }) => end === 'bad_credentials')).toHaveLength(staff.atOnce);
    expect(asked(test, staff)).toBe(staff.atOnce);
    expect((await right(test.at(0), staff)).end).toBe('rate_limited');
    expect((await right(test.at(1), staff, device ?? '')).end).toBe('signed_in');
    expect((await right(test.at(0), staff, device ?? '')).end).toBe('signed_in');
  });

  it('are counted in each replica while Redis is unavailable, and each still recognises a known browser', async () => {
    await using test = await startTwo();
    const { device } = await right(test.at(0), staff);
    await test.redis.stop();
    test.authService.resetCalls();
    await endsOf(20, () => wrong(test.at(0), staff));
    expect(asked(test, staff)).toBe(staff.atOnce);
    expect((await right(test.at(0), staff, device ?? '')).end).toBe('signed_in');
  });
});
