import { type Finding, ok, unchecked, warning } from '../finding.ts';
import { type InspectedToken, issuedAtMsOf } from '../inspect-token.ts';

const name = 'TOKEN_REFRESH_THRESHOLD';

/** A shorter time may pass because of clock differences and the refresh itself. */
const minSeconds = 10;

export type CheckThresholdOptions = {
  token: InspectedToken;
  thresholdSeconds: number;
  /** The deployed service refreshes only while the access token is valid. */
  isDeployed: boolean;
};

/** Whether the threshold suits the lifetime of tokens. The BFF caps it at half of the lifetime. */
export const checkThreshold = ({ token, thresholdSeconds, isDeployed }: CheckThresholdOptions): Finding => {
  const issuedAtMs = issuedAtMsOf(token);
  if (token.verified === null) return unchecked(name, 'there is no valid access token');
  if (issuedAtMs === null) return unchecked(name, 'the token has no time of issue (iat)');
  const lifetimeSeconds = Math.round((token.verified.expiresAtMs - issuedAtMs) / 1000);
  const halfSeconds = Math.floor(lifetimeSeconds / 2);
  const threshold = `${thresholdSeconds} s`;
  const lifetime = `token lifetime of ${lifetimeSeconds} s`;
  if (thresholdSeconds >= lifetimeSeconds) {
    return warning(
      name,
      `${threshold} is not below the ${lifetime}, so the BFF uses ${halfSeconds} s; other services would refresh on every request`,
      `Set it to ${halfSeconds} or less`,
    );
  }
  if (thresholdSeconds > halfSeconds) {
    return warning(
      name,
      `${threshold} is more than half of the ${lifetime}, so the BFF uses ${halfSeconds} s`,
      `Set it to ${halfSeconds} or less`,
    );
  }
  if (thresholdSeconds < minSeconds) {
    const consequence = isDeployed ? ', and this Auth Service refuses to refresh expired tokens' : '';
    return warning(
      name,
      `${threshold} is too short to refresh before the token expires${consequence}`,
      `Set it to ${minSeconds} or more`,
    );
  }
  return ok(name, `${threshold} suits the ${lifetime}`);
};
