import type { Endpoint } from '../../auth-service/endpoints.ts';
import { isCanonicalRedirect, isJson } from '../../auth-service/response-errors.ts';
import type { Answer } from '../../auth-service/transport.ts';
import { toUrl } from '../../platform/to-url.ts';
import { type Finding, ok, problem, unchecked, warning } from '../finding.ts';
import { whyNot } from './reachable.ts';
import { type AskedPath, isAnswer, type Outcome, type Survey, type TokenSurvey } from '../probe-endpoints.ts';

const name = 'paths';

/** Asked after only where the service knows no other: it may lack them. */
const optional = new Set(['me', 'staff-refresh', 'employee-refresh']);
/** Nobody has a token before these. */
const signIns = new Set(['staff-sign-in', 'employee-sign-in']);

/** `untold`: answered like a path that cannot exist, by something other than 404, so that it may be there or not. */
type Kind = 'there' | 'moved' | 'missing' | 'page' | 'refused' | 'failing' | 'untold';

/** Without its query, which may name the path that was asked for. Null: there is none, or none that can be read. */
const pathOf = (location: string | null): string | null =>
  location === null ? null : (toUrl(location, 'http://any')?.pathname ?? null);

/** Whether an answer tells nothing that the answer to a path that cannot exist does not tell as well. */
const isLike = (answer: Answer, nowhere: Outcome): boolean =>
  isAnswer(nowhere) &&
  answer.status === nowhere.status &&
  pathOf(answer.location) === pathOf(nowhere.location) &&
  isJson(answer.contentType) === isJson(nowhere.contentType);

const kindOf = (endpoint: Endpoint, outcome: Outcome, nowhere: Outcome): Kind => {
  if (!isAnswer(outcome)) return 'failing';
  const { status, contentType } = outcome;
  if (status >= 500 || status === 429 || status === 408) return 'failing';
  if (status >= 300 && status < 400 && isCanonicalRedirect(endpoint, outcome)) return 'moved';
  if (status === 404) {
    // An internal endpoint may say of a person that there is none, and so may a lookup with a token.
    const mayHaveNobody = endpoint.isRead && isJson(contentType);
    const isSaidOfAnyPath = isAnswer(nowhere) && nowhere.body === outcome.body;
    return mayHaveNobody && !isSaidOfAnyPath ? 'there' : 'missing';
  }
  if (status < 300 && !isJson(contentType)) return 'page';
  if (isLike(outcome, nowhere)) return 'untold';
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

export type JudgedPath = AskedPath & { kind: Kind };

const judge = ({ paths, nowhere }: TokenSurvey): JudgedPath[] =>
  paths.map((asked) => ({ ...asked, kind: kindOf(asked.endpoint, asked.outcome, nowhere) }));

/** The paths that without a token are answered like one that cannot exist. */
export const untoldPaths = (survey: Survey): Endpoint[] =>
  judge(survey)
    .filter(({ kind }) => kind === 'untold')
    .map(({ endpoint }) => endpoint);

/** What is known of each path. What the token shows takes the place of what cannot be told without it. */
export const judgePaths = (survey: Survey, withToken: TokenSurvey | null): JudgedPath[] => {
  const told = new Map((withToken === null ? [] : judge(withToken)).map((path) => [path.endpoint.path, path]));
  return judge(survey).map((path) => (path.kind === 'untold' ? (told.get(path.endpoint.path) ?? path) : path));
};

const setTheBase = 'Set AUTH_SERVICE_URL to what stands before /api/, or ask whether this is the Auth Service';

/** How a path that cannot exist is answered, such as `status 302 to /staff/login/`. */
const nowhereText = ({ nowhere }: Survey): string => {
  if (!isAnswer(nowhere)) return 'no answer';
  const path = pathOf(nowhere.location);
  return `status ${nowhere.status}${path === null ? '' : ` to ${path}`}`;
};

const checkUntold = (survey: Survey, untold: readonly Endpoint[], withToken: TokenSurvey | null): Finding =>
  unchecked(
    name,
    `the Auth Service answers ${listed(untold)} like a path that cannot exist (${nowhereText(survey)})`,
    withToken === null
      ? 'Pipe in an access token (--token -), with which most of them can be told'
      : 'Pipe in a token of the other kind of person as well; signing out is never tried',
  );

/**
 * Whether every path that is called, with its trailing slash, is there and is no redirect to another address. The
 * deployed service sends nobody to its login page from any path, so that a path is there only where it is answered
 * otherwise than one that cannot exist; `withToken` is what the same paths answer to a person.
 */
export const checkPaths = (url: string, survey: Survey, withToken: TokenSurvey | null = null): Finding[] => {
  const judged = judgePaths(survey, withToken);
  const of = (kind: Kind) => judged.filter((asked) => asked.kind === kind);
  const named = (kind: Kind) => of(kind).map(({ endpoint }) => endpoint);

  const [moved] = of('moved');
  if (moved !== undefined && isAnswer(moved.outcome)) {
    const { says, todo } = movedTo(url, moved.endpoint, moved.outcome);
    return [problem(name, `${listed(named('moved'))} ${says} (status ${moved.outcome.status})`, todo)];
  }
  const [failing] = of('failing');
  if (failing !== undefined) {
    const { says, todo } = whyNot(failing.outcome);
    return [problem(name, `of ${listed(named('failing'))}: ${says}`, todo)];
  }
  const untold = named('untold');
  if (untold.length === judged.length) {
    return [problem(name, `every path is answered like one that cannot exist (${nowhereText(survey)})`, setTheBase)];
  }
  const missing = named('missing').filter((endpoint) => !optional.has(endpoint.name));
  if (missing.length > 0) {
    return [problem(name, `there is no ${listed(missing)} (status 404)`, setTheBase)];
  }
  const unopened = untold.filter((endpoint) => signIns.has(endpoint.name));
  if (unopened.length > 0) {
    const says = `${listed(unopened)} is answered like a path that cannot exist (${nowhereText(survey)}), so that nobody can sign in`;
    return [problem(name, says, setTheBase)];
  }
  const pages = named('page');
  if (pages.length > 0) {
    return [
      problem(name, `${listed(pages)} answers with a page`, 'Ask whether this is the Auth Service, or its proxy'),
    ];
  }
  const refused = named('refused');
  if (refused.length > 0) {
    return [
      warning(name, `a page refuses ${listed(refused)} (status 403)`, 'Look at the proxy before the Auth Service'),
    ];
  }
  const there = judged.length - of('missing').length - untold.length;
  return untold.length === 0
    ? [ok(name, `all ${there} that are called are there, and none is redirected`)]
    : [
        ok(name, `${there} of the ${judged.length} that are called are there, and none is redirected`),
        checkUntold(survey, untold, withToken),
      ];
};
