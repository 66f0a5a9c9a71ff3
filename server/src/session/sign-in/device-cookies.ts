import { randomBytes } from 'node:crypto';
import { cookieBytes, deviceCookie, maxCookieBytes } from '@auth-bff/shared';
import { z } from 'zod';
import type { KeyHasher } from '../../platform/key-hasher.ts';
import { type Account, deviceLifetimeMs } from '../../rate-limit/account-attempts.ts';
import { createSealer } from './sealer.ts';

export type DeviceCookiesOptions = {
  sealingSecret: string;
  names: KeyHasher;
  /** Milliseconds since the epoch. */
  now: () => number;
};

/** An account that signed in from this browser: by a keyed hash, with the random id that the browser has for it. */
const KnownAccount = z.object({ account: z.string(), deviceId: z.string(), signedInAtMs: z.number() });
type KnownAccount = z.infer<typeof KnownAccount>;
const Sealed = z.array(KnownAccount);

const maxAccounts = 5;
/** Values that are opened. A browser sends one; other subdomains may have planted more. */
const maxValues = 16;

/** What one browser is known for. */
export type Device = {
  /** The id of this browser for an account that signed in from it. Null: a stranger to that account. */
  idFor: (account: Account) => string | null;
  /** The value of the cookie that also remembers this account. */
  remember: (account: Account) => Promise<string>;
};

/**
 * The device cookie: it tells a browser that has signed in to an account from all others (OWASP, "Slow Down Online
 * Guessing Attacks with Device Cookies"). It proves nothing but that, and signs nobody in.
 *
 * E-mail addresses count in their exact spelling, because upstream may have accounts that differ by case alone.
 */
export const createDeviceCookies = ({ sealingSecret, names, now }: DeviceCookiesOptions) => {
  const sealer = createSealer({ sealingSecret, label: 'auth-bff device cookie' });
  const hashOf = ({ as, email }: Account) => names('account of device', `${as} ${email}`);

  const open = async (value: string): Promise<KnownAccount[]> => {
    const { data = [] } = Sealed.safeParse(await sealer.open(value));
    return data.filter(({ signedInAtMs }) => now() - signedInAtMs < deviceLifetimeMs);
  };

  return {
    /**
     * Reads the values of the cookie, of which several may have come: together they say what the browser is known for.
     * Forged, garbled, oversized and expired ones say nothing. Never throws.
     */
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
