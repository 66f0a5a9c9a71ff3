import { type Finding, ok, problem, unchecked, warning } from '../finding.ts';
import { isAnswer, type Survey } from '../probe-endpoints.ts';

const name = 'clock';

/** What `iat` may lie in the future, in seconds: beyond it every new token is refused. */
const toleratedSeconds = 30;
const noticedSeconds = 5;

const todo = 'Set both clocks by NTP';

/** Seconds that the Auth Service's clock is ahead of ours, by the Date header of its first answer. */
const aheadSeconds = ({ first, askedAtMs, answeredAtMs }: Survey): number | null => {
  // Date.parse would read a date into nearly anything.
  const sentAtMs =
    isAnswer(first) && /^\w{3}, .* GMT$/.test(first.date ?? '') ? Date.parse(first.date ?? '') : Number.NaN;
  if (Number.isNaN(sentAtMs)) return null;
  // The header leaves the rest of its second out, and is of some moment between question and answer.
  const earliest = (sentAtMs - answeredAtMs) / 1000;
  const latest = (sentAtMs + 1000 - askedAtMs) / 1000;
  return earliest > 0 ? Math.round(earliest) : latest < 0 ? Math.round(latest) : 0;
};

const direction = (ahead: number) => `${Math.abs(ahead)} s ${ahead > 0 ? 'ahead of' : 'behind'} this machine's`;

/** Whether the two clocks agree. `issuedAtMs` and `nowMs`: of a token, where there is one. */
export const checkClock = (survey: Survey | null, issuedAtMs: number | null, nowMs: number): Finding => {
  const iatAhead = issuedAtMs === null ? 0 : Math.round((issuedAtMs - nowMs) / 1000);
  if (iatAhead > toleratedSeconds) {
    return problem(name, `the token was issued ${iatAhead} s in the future, and is refused until then`, todo);
  }
  const ahead = survey === null ? null : aheadSeconds(survey);
  if (ahead !== null && Math.abs(ahead) > toleratedSeconds) {
    return problem(
      name,
      `the Auth Service's is ${direction(ahead)}: ${ahead > 0 ? 'its tokens are refused at first' : 'its tokens end too early here'}`,
      todo,
    );
  }
  if (ahead !== null && Math.abs(ahead) > noticedSeconds) {
    return warning(name, `the Auth Service's is ${direction(ahead)}`, todo);
  }
  if (iatAhead > noticedSeconds) return warning(name, `the token was issued ${iatAhead} s in the future`, todo);
  if (ahead === null && issuedAtMs === null) {
    return unchecked(name, survey === null ? 'the Auth Service cannot be asked' : 'its answers have no Date');
  }
  return ok(
    name,
    ahead === null
      ? 'the token was not issued in the future'
      : `the Auth Service's agrees with this machine's${ahead === 0 ? '' : `, within ${Math.abs(ahead)} s`}`,
  );
};
