import { type Finding, ok, warning } from '../finding.ts';
import { type EndpointProbe, isResponse } from '../probe-endpoints.ts';

const name = 'dialect';

/** The kind of Auth Service, by its responses to requests without a token. Null if unclear. */
export const dialectOf = ({ first, endpoints }: EndpointProbe): 'guide' | 'deployed' | null => {
  if (!isResponse(first)) return null;
  // The deployed service redirects such requests to its login page.
  if (first.status === 302 || first.status === 303) return 'deployed';
  if (first.status !== 401 && first.status !== 403) return null;
  const me = endpoints.find(({ endpoint }) => endpoint.name === 'me')?.outcome;
  return me !== undefined && isResponse(me) && me.status === 404 ? 'guide' : null;
};

/** Informative: the BFF supports both dialects without configuration. */
export const checkDialect = (probe: EndpointProbe): Finding => {
  const dialect = dialectOf(probe);
  if (dialect === 'guide') return ok(name, 'guide: it responds as the integration guide describes');
  if (dialect === 'deployed') {
    return ok(
      name,
      'deployed: it redirects requests without a token to its login page; the BFF treats this redirect as a 401',
    );
  }
  const { first } = probe;
  const status = isResponse(first) ? ` (status ${first.status} without a token)` : '';
  return warning(
    name,
    `matches neither the integration guide nor the deployed service${status}`,
    'Pipe in an access token to check whether its responses can be read (--token -)',
  );
};
