import { isIP } from 'node:net';
import { trpcPath } from '@auth-bff/shared';

/** Where a browser may hold a cookie of one name: each pair is a cookie of its own. Null: for this host alone. */
export type CookieVariant = { domain: string | null; path: string };

const hostName = /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/;
const maxParents = 4;
const maxPathLength = 100;

/** Whether a browser at `host` takes a cookie for `domain`. Source: RFC 6265, section 5.1.3. */
export const isHostInDomain = (host: string, domain: string): boolean =>
  host.toLowerCase() === domain.toLowerCase() ||
  (isIP(host) === 0 && host.toLowerCase().endsWith(`.${domain.toLowerCase()}`));

/** The host and its parent domains, nearest first. Empty for addresses and names of one label, where `Domain` changes nothing. */
const domainsOf = (host: string): string[] => {
  const name = host.toLowerCase();
  if (isIP(name) !== 0 || !hostName.test(name)) return [];
  const labels = name.split('.');
  return labels.slice(0, Math.min(labels.length - 1, maxParents + 1)).map((_label, at) => labels.slice(at).join('.'));
};

/** Paths below `/` whose cookies come with a request for this path. The BFF sets none there. */
const pathsBelowRoot = (path: string): string[] =>
  path.startsWith(`${trpcPath}/`) && path.length <= maxPathLength && /^[\w./,-]+$/.test(path)
    ? [trpcPath, `${trpcPath}/`, path]
    : [trpcPath, `${trpcPath}/`];

export type VariantsOptions = {
  /** Without port. */
  host: string;
  cookieDomain: string | null;
  /** How often the cookie came with the request. */
  count: number;
};

/**
 * The other cookies of this name that would come beside the one that the BFF sets: after `COOKIE_DOMAIN` was changed, or
 * where another application set one for a parent domain. Of a name that did not come, no parent domain can have one.
 */
export const otherVariants = ({ host, cookieDomain, count }: VariantsOptions): CookieVariant[] => {
  const [own, ...parents] = domainsOf(host);
  const domains = [null, ...(own === undefined ? [] : [own]), ...(count > 0 ? parents : [])];
  return domains.filter((domain) => domain !== cookieDomain).map((domain) => ({ domain, path: '/' }));
};

/**
 * Cookies below `/`, which are never the BFF's own: another subdomain planted them. `path`: of the request. Empty for a
 * host that has no parent domain to share with others.
 */
export const plantedVariants = (host: string, path: string): CookieVariant[] => {
  const domains = domainsOf(host);
  if (domains.length === 0) return [];
  return pathsBelowRoot(path).flatMap((below) => [null, ...domains].map((domain) => ({ domain, path: below })));
};
