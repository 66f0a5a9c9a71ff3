import { type Finding, ok, problem, unchecked, warning } from '../finding.ts';
import { type EndpointProbe, isResponse } from '../probe-endpoints.ts';

const name = 'clock';

/** Tolerance of the verifier for `iat`. Beyond it, new tokens are rejected. */
const toleranceSeconds = 30;
const warningSeconds = 5;

const fix = 'Synchronize both clocks by NTP';

/** Seconds by which the Auth Service's clock is ahead, from the Date header of its first response. Null if unknown. */
const aheadSecondsOf = ({ first, sentAtMs, receivedAtMs }: EndpointProbe): number | null => {
  // Date.parse alone would accept invalid dates.
  const dateMs =
    isResponse(first) && /^\w{3}, .* GMT$/.test(first.date ?? '') ? Date.parse(first.date ?? '') : Number.NaN;
  if (Number.isNaN(dateMs)) return null;
  // The header has a resolution of one second, and its time lies between request and response.
  const earliest = (dateMs - receivedAtMs) / 1000;
  const latest = (dateMs + 1000 - sentAtMs) / 1000;
  if (earliest > 0) return Math.round(earliest);
  return latest < 0 ? Math.round(latest) : 0;
};

const difference = (ahead: number) => `${Math.abs(ahead)} s ${ahead > 0 ? 'ahead of' : 'behind'} this machine's clock`;

const checkServiceClock = (ahead: number): Finding | null => {
  if (Math.abs(ahead) <= warningSeconds) return null;
  const message = `the Auth Service's clock is ${difference(ahead)}`;
  if (Math.abs(ahead) <= toleranceSeconds) return warning(name, message, fix);
  const effect = ahead > 0 ? 'new tokens are rejected at first' : 'tokens expire here too early';
  return problem(name, `${message}: ${effect}`, fix);
};

/** Whether the clocks agree. `issuedAtMs` is the `iat` of the token, if there is one. */
export const checkClock = (probe: EndpointProbe | null, issuedAtMs: number | null, nowMs: number): Finding => {
  const iatAhead = issuedAtMs === null ? 0 : Math.round((issuedAtMs - nowMs) / 1000);
  if (iatAhead > toleranceSeconds) {
    return problem(name, `the token was issued ${iatAhead} s in the future and is rejected until then`, fix);
  }
  const ahead = probe === null ? null : aheadSecondsOf(probe);
  const finding = ahead === null ? null : checkServiceClock(ahead);
  if (finding !== null) return finding;
  if (iatAhead > warningSeconds) return warning(name, `the token was issued ${iatAhead} s in the future`, fix);
  if (ahead !== null) {
    const tolerance = ahead === 0 ? '' : `, within ${Math.abs(ahead)} s`;
    return ok(name, `the Auth Service's clock agrees with this machine's clock${tolerance}`);
  }
  if (issuedAtMs !== null) return ok(name, 'the token was not issued in the future');
  return unchecked(
    name,
    probe === null ? 'the Auth Service is unavailable' : "the Auth Service's responses have no Date header",
  );
};
