import { randomBytes } from 'node:crypto';
import { cookieBytes, deviceCookie, maxCookieBytes } from '@auth-bff/shared';
import { z } from 'zod';
import type { KeyHasher } from '../../platform/key-hasher.ts';
import { type Account, deviceLifetimeMs } from '../../rate-limit/account-attempts.ts';
import { createSealer } from './sealer.ts';

export type DeviceCookiesOptions = {
  sealingSecret: string;
  keyHasher: KeyHasher;
  /** Milliseconds since the epoch. */
  now: () => number;
};

/** An account that has signed in from this browser: a keyed hash of the account, and the random id of the browser for it. */
const KnownAccount = z.object({ account: z.string(), deviceId: z.string(), signedInAtMs: z.number() });
type KnownAccount = z.infer<typeof KnownAccount>;
const Sealed = z.array(KnownAccount);

const maxAccounts = 5;
/** The most values to open. A browser sends one; other subdomains may have planted more. */
const maxValues = 16;

/** One browser, as its device cookies describe it. */
export type Device = {
  /** The id of this browser for an account. Null: the account has not signed in from it. */
  idFor: (account: Account) => string | null;
  /** The cookie value that additionally remembers this account. */
  remember: (account: Account) => Promise<string>;
};

/**
 * The device cookie identifies a browser from which an account has signed in before (OWASP, "Slow Down Online Guessing
 * Attacks with Device Cookies"). It affects only the attempt limits and grants no access.
 *
 * E-mail addresses are compared exactly, because the Auth Service may have accounts whose addresses differ only in case.
 */
export const createDeviceCookies = ({ sealingSecret, keyHasher, now }: DeviceCookiesOptions) => {
  const sealer = createSealer({ sealingSecret, label: 'auth-bff device cookie' });
  const hashOf = ({ as, email }: Account) => keyHasher('account of device', `${as} ${email}`);

  const open = async (value: string): Promise<KnownAccount[]> => {
    const { data = [] } = Sealed.safeParse(await sealer.open(value));
    return data.filter(({ signedInAtMs }) => now() - signedInAtMs < deviceLifetimeMs);
  };

  return {
    /** Reads and combines all values of the cookie. Ignores forged, garbled, oversized and expired values. Never throws. */
    async read(values: readonly string[]): Promise<Device> {
      const usable = [...new Set(values)].filter((value) => cookieBytes(deviceCookie, value) <= maxCookieBytes);
      const known = (await Promise.all(usable.slice(0, maxValues).map(open)))
        .flat()
        .toSorted((a, b) => b.signedInAtMs - a.signedInAtMs);

      return {
        idFor: (account) => known.find((one) => one.account === hashOf(account))?.deviceId ?? null,
        remember(account) {
          const hash = hashOf(account);
          const deviceId = randomBytes(16).toString('base64url');
          const others = known.filter(
            (one, at) => one.account !== hash && known.findIndex(({ account: other }) => other === one.account) === at,
          );
          const newest: KnownAccount = { account: hash, deviceId, signedInAtMs: now() };
          return sealer.seal([newest, ...others].slice(0, maxAccounts));
        },
      };
    },
  };
};

export type DeviceCookies = ReturnType<typeof createDeviceCookies>;
