import type { Config } from '../config.ts';
import { isAppError } from '../errors.ts';
import { NotYetValidError } from '../token/claim-rules.ts';
import { type Algorithm, createKeyRing } from '../token/key-ring.ts';
import { type JsonObject, strictParse } from '../token/strict-parse.ts';
import { readToken, type VerifiedToken } from '../token/verified-token.ts';

/** Which key made the signature: the current one, the n-th of the previous ones, one with an edge that was copied along, or none. */
export type Signer = 'current' | { previous: number } | 'current_but_for_its_edges' | 'none';

/** What can be seen of a token here, part by part: where one part is wrong, the others still tell something. */
export type SeenToken = {
  /** Null: it is not a token at all, and `refusal` says why. */
  payload: JsonObject | null;
  /** Null: one that is not read here. */
  algorithm: Algorithm | null;
  /** Null: it was not looked for. */
  signer: Signer | null;
  /** What it says, where its claims permit its use, whoever signed it. */
  read: VerifiedToken | null;
  /** Why it is refused, in a clause. */
  refusal: string | null;
  isOfTheFuture: boolean;
};

const isAlgorithm = (text: unknown): text is Algorithm => typeof text === 'string' && /^HS(256|384|512)$/.test(text);

/** What a clipboard, a shell or a YAML file adds to a key. */
const withoutEdges = (key: string) => key.trim().replace(/^(["'])(.*)\1$/, '$2');

const isSignedBy = (token: string, key: string, algorithm: Algorithm): boolean =>
  key.trim() !== '' && createKeyRing({ signingKeys: [key], algorithm }).isSigned(token);

const findSigner = (token: string, keys: readonly string[], algorithm: Algorithm): Signer => {
  for (const [index, key] of keys.entries()) {
    if (isSignedBy(token, key, algorithm)) return index === 0 ? 'current' : { previous: index };
  }
  const [current = ''] = keys;
  return isSignedBy(token, withoutEdges(current), algorithm) ? 'current_but_for_its_edges' : 'none';
};

const clauseOf = (error: unknown): string => {
  if (isAppError(error)) return error.message.replace(/^The token is not valid: /, '').replace(/\.$/, '');
  throw error;
};

export type SeeTokenOptions = {
  token: string;
  config: Pick<Config, 'refreshThresholdSeconds'>;
  /** Null: there is none that can be looked at. */
  signingKeys: readonly string[] | null;
  nowMs: number;
};

/** Looks at a token with the rules of the verifier. Throws nothing that a token could cause. */
export const seeToken = async ({ token, config, signingKeys, nowMs }: SeeTokenOptions): Promise<SeenToken> => {
  let parsed: ReturnType<typeof strictParse>;
  try {
    parsed = strictParse(token);
  } catch (error) {
    const refusal = clauseOf(error);
    return { payload: null, algorithm: null, signer: null, read: null, refusal, isOfTheFuture: false };
  }
  const { header, payload } = parsed;
  const algorithm = isAlgorithm(header.alg) ? header.alg : null;
  const signer = algorithm === null || signingKeys === null ? null : findSigner(token, signingKeys, algorithm);
  const seen = { payload, algorithm, signer };
  try {
    const { refreshThresholdSeconds } = config;
    const options = { use: 'access', nowMs, refreshThresholdSeconds } as const;
    // By its own algorithm: that this is another than the one configured is told elsewhere.
    const read = readToken(token, { ...options, algorithm: algorithm ?? 'HS256' });
    return { ...seen, read, refusal: null, isOfTheFuture: false };
  } catch (error) {
    return { ...seen, read: null, refusal: clauseOf(error), isOfTheFuture: error instanceof NotYetValidError };
  }
};

/** When the token says that it was issued: milliseconds since the epoch. Null where it does not, or not in seconds. */
export const issuedAtOf = ({ payload }: SeenToken): number | null => {
  const { iat } = payload ?? {};
  return typeof iat === 'number' && Number.isFinite(iat) ? iat * 1000 : null;
};
