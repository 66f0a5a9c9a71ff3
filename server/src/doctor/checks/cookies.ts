import { isIP } from 'node:net';
import { accessCookie, cookieBytes, maxCookieBytes, refreshCookie } from '@auth-bff/shared';
import type { Config, ConfigWarning } from '../../config.ts';
import { type Finding, problem } from '../finding.ts';
import type { InspectedToken } from '../inspect-token.ts';

/** Whether browsers keep the cookie of this token. Null if they do, or if the text is no token. */
export const checkCookieSize = (token: string, { payload }: InspectedToken): Finding | null => {
  if (payload === null) return null;
  const name = payload.token_type === 'refresh' ? refreshCookie : accessCookie;
  const bytes = cookieBytes(name, token);
  if (bytes <= maxCookieBytes) return null;
  return problem(
    'cookie',
    `the cookie ${name} with this token has ${bytes} bytes: browsers drop cookies of more than ${maxCookieBytes} bytes, so this person cannot sign in`,
    'Reduce the content of the token at the Auth Service, for example the number of roles',
  );
};

export type CheckCookieDomainOptions = Pick<Config, 'cookieDomain' | 'corsOrigins' | 'host'>;

const isUnder = (host: string, domain: string) => host === domain || host.endsWith(`.${domain}`);

/** Host names of pages and of the BFF. IP addresses and `localhost` say nothing about a deployment. */
const knownHosts = ({ corsOrigins, host }: CheckCookieDomainOptions): string[] =>
  [...corsOrigins.map((origin) => new URL(origin).hostname), host].filter(
    (name) => isIP(name.replace(/^\[(.*)\]$/, '$1')) === 0 && name.includes('.'),
  );

/** Imported lazily: the public suffix list is as large as the rest of the doctor. */
const isPublicSuffix = async (domain: string): Promise<boolean> => {
  const { parse } = await import('tldts');
  const { publicSuffix, isIcann, isPrivate } = parse(domain, { allowPrivateDomains: true });
  return publicSuffix === domain && (isIcann === true || isPrivate === true);
};

const name = 'COOKIE_DOMAIN';

/** Whether browsers accept cookies for COOKIE_DOMAIN, as far as this is known without the BFF's address. */
export const checkCookieDomain = async (options: CheckCookieDomainOptions): Promise<ConfigWarning[]> => {
  const { cookieDomain } = options;
  if (cookieDomain === null || isIP(cookieDomain) !== 0 || !cookieDomain.includes('.')) return [];
  if (await isPublicSuffix(cookieDomain)) {
    return [
      {
        name,
        message: 'is a public suffix, for which browsers refuse cookies',
        fix: 'Set it to a domain of your own, or unset it',
      },
    ];
  }
  const hosts = knownHosts(options);
  if (hosts.length === 0 || hosts.some((host) => isUnder(host, cookieDomain))) return [];
  return [
    {
      name,
      message:
        'matches no host in CORS_ORIGINS and HOST: browsers refuse the cookies unless the host of the BFF is in this domain',
      fix: 'Set it to the domain that the BFF and its frontends share, or unset it',
    },
  ];
};
