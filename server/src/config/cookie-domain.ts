import type { Reading } from './parse.ts';

/** What the cookie library takes: RFC 1034, 3.5, where a label neither begins nor ends with a hyphen. */
const domainName = /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?(\.[a-z\d]([a-z\d-]{0,61}[a-z\d])?)*$/;

const reasons: ReadonlyArray<[pattern: RegExp, reason: string]> = [
  [/\//, 'without a scheme or path'],
  [/:/, 'without a port'],
  [/\.$/, 'without a dot at its end'],
  [/\P{ASCII}/u, 'in its ASCII form (xn--…)'],
  [/_/, 'without underscores'],
  [/[^.]{64}/, 'with at most 63 characters between two dots'],
];

/** COOKIE_DOMAIN, in lower case and without the dot that older browsers wanted before it. */
export const readCookieDomain = (text: string): Reading<string> => {
  const domain = text.replace(/^\./, '').toLowerCase();
  if (domainName.test(domain) && domain.length <= 253) return { value: domain };
  const reason = reasons.find(([pattern]) => pattern.test(domain))?.[1];
  return { fault: `expected a domain name such as example.org${reason === undefined ? '' : `, ${reason}`}` };
};
