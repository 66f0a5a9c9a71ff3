import type { Config } from '../config.ts';
import { isAppError } from '../errors.ts';
import { NotYetValidError } from '../token/claim-rules.ts';
import { type Algorithm, createKeyRing } from '../token/key-ring.ts';
import { type JsonObject, strictParse } from '../token/strict-parse.ts';
import { readToken, type VerifiedToken } from '../token/verified-token.ts';

/**
 * The key that signed the token: the current key, the n-th previous key, the current key without surrounding white space
 * or quotes, or none of them.
 */
export type Signer = 'current' | { previous: number } | 'current_trimmed' | 'none';

/** The parts of a token. Each is examined on its own, so that one invalid part does not hide the others. */
export type InspectedToken = {
  /** Null if the text is no token at all. */
  payload: JsonObject | null;
  /** Null if unsupported. */
  algorithm: Algorithm | null;
  /** Null if not examined. */
  signer: Signer | null;
  /** The claims, if they are valid. The signature is not considered. */
  verified: VerifiedToken | null;
  /** Why the token is invalid: a clause. */
  refusal: string | null;
  /** `iat` or `nbf` lies in the future. */
  isNotYetValid: boolean;
};

const isAlgorithm = (text: unknown): text is Algorithm => typeof text === 'string' && /^HS(256|384|512)$/.test(text);

/** Removes what a clipboard, a shell or a YAML file may add. */
const trimKey = (key: string) => key.trim().replace(/^(["'])(.*)\1$/, '$2');

const isSignedBy = (token: string, key: string, algorithm: Algorithm): boolean =>
  key.trim() !== '' && createKeyRing({ signingKeys: [key], algorithm }).isSigned(token);

const findSigner = (token: string, keys: readonly string[], algorithm: Algorithm): Signer => {
  const index = keys.findIndex((key) => isSignedBy(token, key, algorithm));
  if (index === 0) return 'current';
  if (index > 0) return { previous: index };
  return isSignedBy(token, trimKey(keys[0] ?? ''), algorithm) ? 'current_trimmed' : 'none';
};

/** The reason without the verifier's introduction and without the full stop. */
const refusalOf = (error: unknown): string => {
  if (isAppError(error))
    return error.message.replace(/^The (access )?token is (not valid|invalid): /, '').replace(/\.$/, '');
  throw error;
};

export type InspectTokenOptions = {
  token: string;
  config: Pick<Config, 'refreshThresholdSeconds'>;
  /** Null if there are no usable keys. */
  signingKeys: readonly string[] | null;
  nowMs: number;
};

/** Examines a token by the rules of the verifier. Does not throw for any token. */
export const inspectToken = ({ token, config, signingKeys, nowMs }: InspectTokenOptions): InspectedToken => {
  let parsed: ReturnType<typeof strictParse>;
  try {
    parsed = strictParse(token);
  } catch (error) {
    const refusal = refusalOf(error);
    return { payload: null, algorithm: null, signer: null, verified: null, refusal, isNotYetValid: false };
  }
  const { header, payload } = parsed;
  const algorithm = isAlgorithm(header.alg) ? header.alg : null;
  const signer = algorithm === null || signingKeys === null ? null : findSigner(token, signingKeys, algorithm);
  const parts = { payload, algorithm, signer };
  try {
    const { refreshThresholdSeconds } = config;
    const options = { use: 'access', nowMs, refreshThresholdSeconds } as const;
    // Uses the token's own algorithm, because checkAlgorithm reports a difference from the configured one.
    const verified = readToken(token, { ...options, algorithm: algorithm ?? 'HS256' });
    return { ...parts, verified, refusal: null, isNotYetValid: false };
  } catch (error) {
    return { ...parts, verified: null, refusal: refusalOf(error), isNotYetValid: error instanceof NotYetValidError };
  }
};

/** The `iat` claim in milliseconds since the epoch. Null if it is absent or not a number. */
export const issuedAtMsOf = ({ payload }: InspectedToken): number | null => {
  const { iat } = payload ?? {};
  return typeof iat === 'number' && Number.isFinite(iat) ? iat * 1000 : null;
};
