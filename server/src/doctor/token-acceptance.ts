import { createAuthServiceClient } from '../auth-service/client.ts';
import type { Transport } from '../auth-service/transport.ts';
import { isAppError } from '../errors.ts';
import type { VerifiedToken } from '../token/verified-token.ts';

/** What the Auth Service says of a token; `unknown` with the reason for which it was not asked or did not say. */
export type Acceptance = { state: 'accepted' | 'refused' } | { state: 'unknown'; because: string };

export type AskAcceptanceOptions = {
  transport: Pick<Transport, 'request'>;
  token: string;
  read: VerifiedToken;
  now: () => number;
};

/** Asks the Auth Service whether it accepts a token that has not ended. Guide: "Option 2: Remote Validation". */
export const askAcceptance = async ({ transport, token, read, now }: AskAcceptanceOptions): Promise<Acceptance> => {
  if (read.expiresAtMs <= now()) return { state: 'unknown', because: 'it has ended' };
  const { type, id } = read.principal;
  try {
    const isAccepted = await createAuthServiceClient({ transport, now }).validate({ type, id, accessToken: token });
    return { state: isAccepted ? 'accepted' : 'refused' };
  } catch (error) {
    if (isAppError(error, 'auth_service_contract'))
      return { state: 'unknown', because: error.message.replace(/\.$/, '') };
    // A 401 that says who is gone, a user without a row: refused as well, in other words.
    if (isAppError(error)) return { state: 'unknown', because: `the Auth Service did not say (${error.reason})` };
    throw error;
  }
};
