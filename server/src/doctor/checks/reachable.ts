import { codeOf } from '../../auth-service/transport.ts';
import { type Finding, ok, problem } from '../finding.ts';
import { isAnswer, isHostRefused, type Outcome, type Survey } from '../probe-endpoints.ts';

const name = 'AUTH_SERVICE_URL';

const causes: ReadonlyArray<[code: RegExp, says: string, todo: string]> = [
  [/^ECONNREFUSED$/, 'nobody listens there', 'Start the Auth Service, or set AUTH_SERVICE_URL to where it is'],
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'its name is not known here', 'Look at the host in AUTH_SERVICE_URL, and at DNS'],
  [
    /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/,
    'its certificate is not trusted',
    'Mend the certificate, or name its authority in NODE_EXTRA_CA_CERTS',
  ],
  [
    /^(EPROTO|ERR_TLS.*|ERR_SSL.*)$/,
    'it does not speak TLS there',
    'Look at http and https, and the port, in AUTH_SERVICE_URL',
  ],
];

/** Why there was no good answer, and what to do about it. */
export const whyNot = (outcome: Outcome): { says: string; todo: string } => {
  if (isAnswer(outcome)) return { says: `it answers ${outcome.status}`, todo: 'Look at the Auth Service' };
  if (outcome.reason === 'auth_service_contract') {
    return { says: outcome.message.replace(/\.$/, ''), todo: 'Look at what listens at AUTH_SERVICE_URL' };
  }
  const cause = causes.find(([code]) => code.test(codeOf(outcome.cause)));
  if (cause !== undefined) return { says: cause[1], todo: cause[2] };
  if (outcome.upstream === 'unreachable') {
    return { says: 'no connection can be made', todo: 'Look at the network between here and the Auth Service' };
  }
  return outcome.upstream === 'hung_up'
    ? { says: 'it ends the connection without an answer', todo: 'Look at the Auth Service, and its proxies' }
    : { says: 'it does not answer in time', todo: 'Look at the Auth Service, and at firewalls before it' };
};

/** Why the service answers 400 with a page to everything. */
const whyRefused = (url: string, { first }: Survey): { says: string; todo: string } => {
  if (isAnswer(first) && /plain HTTP request was sent to HTTPS port/i.test(first.body)) {
    return {
      says: 'it answers 400 to everything, because it wants https there',
      todo: 'Set AUTH_SERVICE_URL to https://…',
    };
  }
  const { host, hostname } = new URL(url);
  const says = `it answers 400 to everything, as Django does where ALLOWED_HOSTS lacks the Host that is asked (${host})`;
  return hostname.includes('_')
    ? { says, todo: 'Give it a name without an underscore: Django allows no Host with one' }
    : { says, todo: 'Add the host to ALLOWED_HOSTS of the Auth Service, or set AUTH_SERVICE_URL to one that is there' };
};

/** Whether the Auth Service answers. */
export const checkReachable = (url: string, survey: Survey): Finding => {
  const { first, paths, askedAtMs, answeredAtMs } = survey;
  if (paths.length > 0) return ok(name, `answers, in ${Math.max(0, answeredAtMs - askedAtMs)} ms`);
  const { says, todo } = isHostRefused(survey) ? whyRefused(url, survey) : whyNot(first);
  return problem(name, `the Auth Service cannot be asked: ${says}`, todo);
};
