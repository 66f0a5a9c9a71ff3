import { createAuthServiceClient } from '../auth-service/client.ts';
import type { Transport } from '../auth-service/transport.ts';
import { isAppError } from '../errors.ts';
import type { VerifiedToken } from '../token/verified-token.ts';

/** Whether the Auth Service accepts a token. */
export type TokenAcceptance = { state: 'accepted' | 'refused' } | { state: 'unknown'; reason: string };

export type CheckAcceptanceOptions = {
  transport: Pick<Transport, 'request'>;
  token: string;
  verified: VerifiedToken;
  now: () => number;
};

/** Sends an unexpired token to the Auth Service. Guide: "Option 2: Remote Validation". */
export const checkAcceptance = async (options: CheckAcceptanceOptions): Promise<TokenAcceptance> => {
  const { transport, token, verified, now } = options;
  if (verified.expiresAtMs <= now()) return { state: 'unknown', reason: 'the token has expired' };
  const { type, id } = verified.principal;
  try {
    const isAccepted = await createAuthServiceClient({ transport, now }).validate({ type, id, accessToken: token });
    return { state: isAccepted ? 'accepted' : 'refused' };
  } catch (error) {
    if (!isAppError(error)) throw error;
    const reason =
      error.reason === 'auth_service_contract'
        ? error.message.replace(/\.$/, '')
        : `the Auth Service gave no result (${error.reason})`;
    return { state: 'unknown', reason };
  }
};
