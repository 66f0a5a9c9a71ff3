import { type Finding, ok, warning } from '../finding.ts';
import { isAnswer, type Survey } from '../probe-endpoints.ts';

const name = 'dialect';

/** Which Auth Service it is, as far as its answers to nobody tell: the documented one, or the one that people run. */
export const dialectOf = ({ first, paths }: Survey): 'guide' | 'deployed' | null => {
  if (!isAnswer(first)) return null;
  // Nobody is sent to the login page.
  if (first.status === 302 || first.status === 303) return 'deployed';
  const me = paths.find(({ endpoint }) => endpoint.name === 'me')?.outcome;
  if (first.status === 401 || first.status === 403) return me && isAnswer(me) && me.status === 404 ? 'guide' : null;
  return null;
};

/** Tells the dialect. There is nothing to set: the BFF reads both. */
export const checkDialect = (survey: Survey): Finding => {
  const dialect = dialectOf(survey);
  if (dialect === 'guide') return ok(name, 'guide: it answers as the integration guide says');
  if (dialect === 'deployed') {
    return ok(name, 'deployed: it sends nobody to its login page instead of saying 401, which is read as that');
  }
  const { first } = survey;
  return warning(
    name,
    `neither quite that of the guide nor the deployed one${isAnswer(first) ? ` (nobody is answered ${first.status})` : ''}`,
    'Pipe in a token to see that its answers can be read (--token -)',
  );
};
