import { isIP } from 'node:net';
import { trpcPath } from '@auth-bff/shared';

/** Domain and path of a cookie: browsers store one cookie for each pair. Domain null: host-only. */
export type CookieVariant = { domain: string | null; path: string };

const hostName = /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/;
const maxParents = 4;
const maxPathLength = 100;

/** Whether a browser accepts a cookie for `domain` from `host`. Source: RFC 6265, section 5.1.3. */
export const isHostInDomain = (host: string, domain: string): boolean =>
  host.toLowerCase() === domain.toLowerCase() ||
  (isIP(host) === 0 && host.toLowerCase().endsWith(`.${domain.toLowerCase()}`));

/** The host and its parent domains, nearest first. Empty for IP addresses and single-label names, where `Domain` has no effect. */
const domainsOf = (host: string): string[] => {
  const name = host.toLowerCase();
  if (isIP(name) !== 0 || !hostName.test(name)) return [];
  const labels = name.split('.');
  return labels.slice(0, Math.min(labels.length - 1, maxParents + 1)).map((_label, at) => labels.slice(at).join('.'));
};

/** Paths below `/` whose cookies a browser sends with this request. The BFF sets no cookies there. */
const pathsBelowRoot = (path: string): string[] =>
  path.startsWith(`${trpcPath}/`) && path.length <= maxPathLength && /^[\w./,-]+$/.test(path)
    ? [trpcPath, `${trpcPath}/`, path]
    : [trpcPath, `${trpcPath}/`];

export type VariantsOptions = {
  /** Without the port. */
  host: string;
  cookieDomain: string | null;
  /** How many cookies of this name the request had. */
  count: number;
};

/**
 * Other variants of a cookie that browsers would send in addition to the BFF's own: left over from a changed
 * `COOKIE_DOMAIN`, or set by another application for a parent domain. If the request had none, no parent domain has one.
 */
export const otherVariants = ({ host, cookieDomain, count }: VariantsOptions): CookieVariant[] => {
  const [own, ...parents] = domainsOf(host);
  const domains = [null, ...(own === undefined ? [] : [own]), ...(count > 0 ? parents : [])];
  return domains.filter((domain) => domain !== cookieDomain).map((domain) => ({ domain, path: '/' }));
};

/**
 * Variants on paths below `/`. The BFF never sets them, so another subdomain planted them. `path` is that of the request.
 * Empty for a host without a parent domain.
 */
export const plantedVariants = (host: string, path: string): CookieVariant[] => {
  const domains = domainsOf(host);
  if (domains.length === 0) return [];
  return pathsBelowRoot(path).flatMap((below) => [null, ...domains].map((domain) => ({ domain, path: below })));
};
