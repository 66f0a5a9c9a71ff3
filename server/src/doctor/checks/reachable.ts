import { errorCodeOf } from '../../auth-service/transport-errors.ts';
import { type Finding, ok, problem } from '../finding.ts';
import { type EndpointProbe, isHostRefused, isResponse, type Outcome } from '../probe-endpoints.ts';

const name = 'AUTH_SERVICE_URL';

export type Explanation = { message: string; fix: string };

const networkErrors: ReadonlyArray<[code: RegExp, Explanation]> = [
  [
    /^ECONNREFUSED$/,
    {
      message: 'the connection is refused, because nothing listens at this address',
      fix: 'Start the Auth Service, or correct AUTH_SERVICE_URL',
    },
  ],
  [
    /^(ENOTFOUND|EAI_AGAIN)$/,
    { message: 'its host name cannot be resolved', fix: 'Check the host in AUTH_SERVICE_URL, and DNS' },
  ],
  [
    /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/,
    {
      message: 'its TLS certificate is not trusted',
      fix: 'Replace the certificate, or name its certificate authority in NODE_EXTRA_CA_CERTS',
    },
  ],
  [
    /^(EPROTO|ERR_TLS.*|ERR_SSL.*)$/,
    {
      message: 'the TLS handshake fails',
      fix: 'Check the scheme (http or https) and the port in AUTH_SERVICE_URL',
    },
  ],
];

/** Explains a failed request or an error status. */
export const explainOutcome = (outcome: Outcome): Explanation => {
  if (isResponse(outcome)) {
    return { message: `it responds with status ${outcome.status}`, fix: 'Check the log of the Auth Service' };
  }
  if (outcome.reason === 'auth_service_contract') {
    return { message: outcome.message.replace(/\.$/, ''), fix: 'Check which service listens at AUTH_SERVICE_URL' };
  }
  const known = networkErrors.find(([code]) => code.test(errorCodeOf(outcome.cause)));
  if (known !== undefined) return known[1];
  if (outcome.upstream === 'unreachable') {
    return {
      message: 'no connection can be established',
      fix: 'Check the network between this machine and the Auth Service',
    };
  }
  return outcome.upstream === 'connection_closed'
    ? {
        message: 'it closes the connection without a response',
        fix: 'Check the Auth Service and the proxies in front of it',
      }
    : {
        message: 'it does not respond in time',
        fix: 'Check the Auth Service and the firewalls in front of it',
      };
};

/** Explains 400 with a page for every path. */
const explainHostRefusal = (url: string, { first }: EndpointProbe): Explanation => {
  if (isResponse(first) && /plain HTTP request was sent to HTTPS port/i.test(first.body)) {
    return {
      message: 'it responds with 400 to every request, because this port requires https',
      fix: 'Set AUTH_SERVICE_URL to https://…',
    };
  }
  const { host, hostname } = new URL(url);
  const message = `it responds with 400 to every request, as Django does if ALLOWED_HOSTS does not contain the requested host (${host})`;
  return hostname.includes('_')
    ? { message, fix: 'Use a host name without an underscore: Django allows none with one' }
    : { message, fix: 'Add the host to ALLOWED_HOSTS of the Auth Service, or use an allowed host in AUTH_SERVICE_URL' };
};

/** Whether the Auth Service is available. */
export const checkReachable = (url: string, probe: EndpointProbe): Finding => {
  const { first, endpoints, sentAtMs, receivedAtMs } = probe;
  if (endpoints.length > 0) return ok(name, `responds in ${Math.max(0, receivedAtMs - sentAtMs)} ms`);
  const { message, fix } = isHostRefused(probe) ? explainHostRefusal(url, probe) : explainOutcome(first);
  return problem(name, `the Auth Service is unavailable: ${message}`, fix);
};
