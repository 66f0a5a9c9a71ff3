import type { Endpoint } from '../auth-service/endpoints.ts';
import { isCanonicalRedirect, isJson } from '../auth-service/meaning.ts';
import type { Answer } from '../auth-service/transport.ts';
import { type Finding, ok, problem, warning } from './finding.ts';
import { whyNot } from './reachable.ts';
import { isAnswer, type Outcome, type Survey } from './survey.ts';

const name = 'paths';

/** Asked after only where the service knows no other: it may lack them. */
const optional = new Set(['me', 'staff-refresh', 'employee-refresh']);

type Kind = 'there' | 'moved' | 'missing' | 'page' | 'refused' | 'failing';

const kindOf = (endpoint: Endpoint, outcome: Outcome): Kind => {
  if (!isAnswer(outcome)) return 'failing';
  const { status, contentType } = outcome;
  if (status >= 500 || status === 429 || status === 408) return 'failing';
  if (status >= 300 && status < 400) return isCanonicalRedirect(endpoint, outcome) ? 'moved' : 'there';
  // An internal endpoint may say of a person that there is none.
  if (status === 404)
    return endpoint.audience === 'none' && endpoint.isRead && isJson(contentType) ? 'there' : 'missing';
  if (status < 300 && !isJson(contentType)) return 'page';
  return status === 403 && !isJson(contentType) ? 'refused' : 'there';
};

/** Where a redirect to the same path leads, and what would spare it. */
const movedTo = (url: string, endpoint: Endpoint, { location }: Answer): { says: string; todo: string } => {
  const from = new URL(`${url}${endpoint.path}`);
  const to = new URL(location ?? '', from);
  if (!/^https?:$/.test(to.protocol)) {
    return { says: 'is redirected to what is no http address', todo: 'Look at what listens at AUTH_SERVICE_URL' };
  }
  const base = to.pathname.slice(0, to.pathname.lastIndexOf(endpoint.path.replace(/\/$/, '')));
  const target = `${to.origin}${base}`.replace(/\/+$/, '');
  return target !== url
    ? { says: `is redirected to the same path at ${target}`, todo: `Set AUTH_SERVICE_URL to ${target}` }
    : { says: 'is redirected to itself but for its trailing slash', todo: 'Have the proxy before it keep the slash' };
};

const listed = (endpoints: readonly Endpoint[]) =>
  endpoints.length > 3
    ? `${endpoints
        .slice(0, 3)
        .map((endpoint) => endpoint.name)
        .join(', ')} and ${endpoints.length - 3} more`
    : endpoints.map((endpoint) => endpoint.name).join(', ');

/** Whether every path that is called, with its trailing slash, is there and is no redirect to another address. */
export const checkPaths = (url: string, { paths }: Survey): Finding => {
  const kinds = paths.map((asked) => ({ ...asked, kind: kindOf(asked.endpoint, asked.outcome) }));
  const of = (kind: Kind) => kinds.filter((asked) => asked.kind === kind);
  const missing = of('missing').filter(({ endpoint }) => !optional.has(endpoint.name));

  const [moved] = of('moved');
  if (moved !== undefined && isAnswer(moved.outcome)) {
    const { says, todo } = movedTo(url, moved.endpoint, moved.outcome);
    const many = of('moved').map(({ endpoint }) => endpoint);
    return problem(name, `${listed(many)} ${says} (status ${moved.outcome.status})`, todo);
  }
  const [failing] = of('failing');
  if (failing !== undefined) {
    const { says, todo } = whyNot(failing.outcome);
    return problem(name, `of ${listed(of('failing').map(({ endpoint }) => endpoint))}: ${says}`, todo);
  }
  if (missing.length > 0) {
    return problem(
      name,
      `there is no ${listed(missing.map(({ endpoint }) => endpoint))} (status 404)`,
      'Set AUTH_SERVICE_URL to what stands before /api/, or ask whether this is the Auth Service',
    );
  }
  const pages = of('page').map(({ endpoint }) => endpoint);
  if (pages.length > 0) {
    return problem(name, `${listed(pages)} answers with a page`, 'Ask whether this is the Auth Service, or its proxy');
  }
  const refused = of('refused').map(({ endpoint }) => endpoint);
  if (refused.length > 0) {
    return warning(name, `a page refuses ${listed(refused)} (status 403)`, 'Look at the proxy before the Auth Service');
  }
  return ok(name, `all ${paths.length - of('missing').length} that are called are there, and none is redirected`);
};
