import { type Finding, ok, problem, warning } from '../finding.ts';
import type { InspectedToken } from '../inspect-token.ts';
import type { TokenAcceptance } from '../token-acceptance.ts';

const name = 'token';
const fixToken = 'Pipe in a current access token: sign in and copy the cookie access_token';

/** Whether the token is a valid session. Guide: "Add JWT middleware to request pipeline", which the BFF is. */
export const checkToken = (token: InspectedToken, acceptance: TokenAcceptance, nowMs: number): Finding => {
  const { verified, refusal, payload, isNotYetValid } = token;
  if (payload === null) return problem(name, `standard input holds no token: ${refusal}`, fixToken);
  if (verified === null) {
    return problem(name, `the token is invalid: ${refusal}`, isNotYetValid ? 'See the line `clock`' : fixToken);
  }
  const expiresInSeconds = Math.round((verified.expiresAtMs - nowMs) / 1000);
  const kind = verified.principal.type === 'staff' ? 'staff access token' : 'employee access token';
  if (verified.expiresAtMs <= nowMs) return warning(name, `${kind} that expired ${-expiresInSeconds} s ago`, fixToken);
  const description = `${kind} that expires in ${expiresInSeconds} s`;
  if (acceptance.state === 'accepted') return ok(name, `${description}; the Auth Service accepts it`);
  if (acceptance.state === 'unknown') {
    return warning(name, `${description}; the Auth Service did not check it: ${acceptance.reason}`, 'Try again');
  }
  return problem(
    name,
    `${description}, but the Auth Service refuses it`,
    'Pipe in a token that this Auth Service issued to an active person',
  );
};
