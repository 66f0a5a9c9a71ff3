import type { Acceptance } from '../token-acceptance.ts';
import { type Finding, ok, problem, warning } from '../finding.ts';
import type { SeenToken } from '../inspect-token.ts';

const name = 'token';
const newToken = 'Pipe in an access token of now: sign in, and take the cookie access_token';

/** Whether the token is a session, here and there. Guide: "Add JWT middleware to request pipeline", which the BFF is. */
export const checkToken = (seen: SeenToken, acceptance: Acceptance, nowMs: number): Finding => {
  const { read, refusal, payload, isOfTheFuture } = seen;
  if (payload === null) return problem(name, `what came is no token: ${refusal}`, newToken);
  if (read === null) {
    return problem(name, `it is refused: ${refusal}`, isOfTheFuture ? 'Look at the line on the clock' : newToken);
  }
  const endsInSeconds = Math.round((read.expiresAtMs - nowMs) / 1000);
  const what = `an access token of ${read.principal.type === 'staff' ? 'staff' : 'an employee'}`;
  if (read.expiresAtMs <= nowMs) return warning(name, `${what} that ended ${-endsInSeconds} s ago`, newToken);
  const ends = `${what} that ends in ${endsInSeconds} s`;
  if (acceptance.state === 'accepted') return ok(name, `${ends}, and the Auth Service accepts it`);
  if (acceptance.state === 'unknown') {
    return warning(name, `${ends}; not checked against the Auth Service: ${acceptance.because}`, 'Try again');
  }
  return problem(
    name,
    `${ends}, but the Auth Service refuses it`,
    'Take one that this Auth Service issued, of somebody who is active there',
  );
};
