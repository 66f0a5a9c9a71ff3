import { type Finding, ok, unchecked, warning } from '../finding.ts';
import { issuedAtOf, type SeenToken } from '../inspect-token.ts';

const name = 'TOKEN_REFRESH_THRESHOLD';

/** Less than this is as much as clocks differ and a refresh takes. */
const leastSeconds = 10;

export type CheckThresholdOptions = {
  seen: SeenToken;
  thresholdSeconds: number;
  /** Whether the Auth Service refreshes only while the access token holds. */
  isDeployed: boolean;
};

/** Whether the threshold suits the lifetime that tokens have. The service itself never takes more than half of it. */
export const checkThreshold = ({ seen, thresholdSeconds, isDeployed }: CheckThresholdOptions): Finding => {
  const issuedAtMs = issuedAtOf(seen);
  if (seen.read === null) return unchecked(name, 'the token is no access token that is read here');
  if (issuedAtMs === null) return unchecked(name, 'the token does not say when it was issued (iat)');
  const lifetime = Math.round((seen.read.expiresAtMs - issuedAtMs) / 1000);
  const half = Math.floor(lifetime / 2);
  const are = `${thresholdSeconds} s`;
  if (thresholdSeconds >= lifetime) {
    return warning(
      name,
      `${are} are all of the ${lifetime} s that a token lives, so ${half} s are taken`,
      `Set it to ${half} or less; other services would refresh without end`,
    );
  }
  if (thresholdSeconds > half) {
    return warning(
      name,
      `${are} are more than half of the ${lifetime} s that a token lives, so ${half} s are taken`,
      `Set it to ${half} or less`,
    );
  }
  if (thresholdSeconds < leastSeconds) {
    return warning(
      name,
      `${are} leave no time to refresh before the token ends${isDeployed ? ', and after that this Auth Service refuses to' : ''}`,
      `Set it to ${leastSeconds} or more`,
    );
  }
  return ok(name, `${are} of the ${lifetime} s that a token lives`);
};
