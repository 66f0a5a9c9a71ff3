import type { JSONWebKeySet, JWK } from 'jose';
import { RefusalError } from './refusals.ts';

/** How long loaded keys are used before they are loaded again. */
const freshMs = 600_000;
/** How long loaded keys are used while they cannot be loaded again. */
const staleMs = 86_400_000;
/** Between two loads. An unknown `kid` may be a new key, but attackers make them up, too. */
const cooldownMs = 10_000;
/** After a failed load, so that an outage ends soon for the callers. */
const retryMs = 1_000;

export type AssertionKeysOptions = { url: string; timeoutMs: number; now: () => number };

export type AssertionKeys = {
  /**
   * Whether a key of the BFF made the signature of a compact JWS, whose header was checked. Throws RefusalError
   * `jwks_unavailable` if that cannot be determined.
   */
  isSigned(text: string, header: { alg: string; kid: string }): Promise<boolean>;
};

/** Public keys only. RFC 7518, section 3.3: RSA keys have 2,048 bits or more. */
const isUsable = ({ kty, crv, n, kid }: JWK): boolean =>
  typeof kid === 'string' &&
  ((kty === 'OKP' && crv === 'Ed25519') ||
    (kty === 'EC' && crv === 'P-256') ||
    (kty === 'RSA' && typeof n === 'string' && Buffer.from(n, 'base64url').length >= 256));

/** jose's modules take 20 to 100 ms to load, and backends with signing keys do not need them. */
const loadJose = async () => {
  const [{ createLocalJWKSet }, { compactVerify }] = await Promise.all([
    import('jose/jwks/local'),
    import('jose/jws/compact/verify'),
  ]);
  return { createLocalJWKSet, compactVerify };
};

const toKeySet = (value: unknown): JSONWebKeySet => {
  const keys: unknown = typeof value === 'object' && value !== null && 'keys' in value ? value.keys : undefined;
  if (!Array.isArray(keys)) throw new Error('The response is not a JSON Web Key Set.');
  const usable = keys.filter((key): key is JWK => typeof key === 'object' && key !== null && isUsable(key));
  if (usable.length === 0)
    throw new Error('The JSON Web Key Set has no public key with a kid for EdDSA, ES256 or RS256.');
  return { keys: usable };
};

const hasCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));

/**
 * The BFF's public keys. They are loaded when first needed, after ten minutes, and for an unknown `kid`, at most every ten
 * seconds. If they cannot be loaded again, the known keys stay in use for a day.
 */
export const createAssertionKeys = ({ url, timeoutMs, now }: AssertionKeysOptions): AssertionKeys => {
  const jose = loadJose();
  // Reported by the first verification.
  jose.catch(() => {});

  type KeySet = ReturnType<Awaited<typeof jose>['createLocalJWKSet']>;
  let known: { find: KeySet; loadedAtMs: number } | null = null;
  let failure: unknown = null;
  let nextLoadAtMs = -Infinity;
  let loading: Promise<void> | null = null;

  const load = async (): Promise<void> => {
    const startedAtMs = now();
    try {
      const response = await fetch(url, {
        headers: { accept: 'application/json' },
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (!response.ok) {
        await response.body?.cancel();
        throw new Error(`The response has status ${response.status}.`);
      }
      const keySet = toKeySet(await response.json());
      known = { find: (await jose).createLocalJWKSet(keySet), loadedAtMs: startedAtMs };
      failure = null;
    } catch (error) {
      failure = error;
    }
    nextLoadAtMs = startedAtMs + (failure === null ? cooldownMs : retryMs);
  };

  /** Loads the keys unless that was just tried. Requests join a load in flight. */
  const reload = async (): Promise<void> => {
    const waitMs = nextLoadAtMs - now();
    // A longer wait than any that we set: the clock was put back.
    if (loading === null && waitMs > 0 && waitMs <= cooldownMs) return;
    loading ??= load().finally(() => {
      loading = null;
    });
    await loading;
  };

  const unavailable = (cause: unknown) =>
    new RefusalError('jwks_unavailable', `The keys of assertions could not be loaded from ${url}.`, { cause });

  /** The keys that may be used now. Null: none. */
  const current = () => (known !== null && now() < known.loadedAtMs + staleMs ? known : null);

  const find = async (header: { alg: string; kid: string }) => {
    try {
      return (await current()?.find(header)) ?? null;
    } catch (error) {
      if (hasCode(error, 'ERR_JWKS_NO_MATCHING_KEY')) return null;
      throw unavailable(error);
    }
  };

  return {
    async isSigned(text, header) {
      const { compactVerify } = await jose;
      if (current() === null) await reload();
      // The known keys are used meanwhile.
      else if (known !== null && Math.abs(now() - known.loadedAtMs) >= freshMs) void reload();
      let key = await find(header);
      if (key === null) {
        await reload();
        key = await find(header);
      }
      if (key === null) {
        if (failure !== null) throw unavailable(failure);
        return false;
      }
      try {
        await compactVerify(text, key, { algorithms: [header.alg] });
        return true;
      } catch (error) {
        if (hasCode(error, 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED')) return false;
        throw error;
      }
    },
  };
};
