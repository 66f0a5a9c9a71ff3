import { isIP } from 'node:net';
import type { Config, ConfigWarning } from '../../config.ts';

export type CookieDomainOptions = Pick<Config, 'cookieDomain' | 'corsOrigins' | 'host'>;

const isUnder = (host: string, domain: string) => host === domain || host.endsWith(`.${domain}`);

/** Names that tell where pages and the BFF are. An IP address or `localhost` tells nothing of a deployment. */
const knownHosts = ({ corsOrigins, host }: CookieDomainOptions): string[] =>
  [...corsOrigins.map((origin) => new URL(origin).hostname), host].filter(
    (name) => isIP(name.replace(/^\[(.*)\]$/, '$1')) === 0 && name.includes('.'),
  );

/** The public suffixes of the web weigh as much as the rest of the doctor, and are loaded for this alone. */
const isPublicSuffix = async (domain: string): Promise<boolean> => {
  const { parse } = await import('tldts');
  const { publicSuffix, isIcann, isPrivate } = parse(domain, { allowPrivateDomains: true });
  return publicSuffix === domain && (isIcann === true || isPrivate === true);
};

/** Whether browsers will take cookies for COOKIE_DOMAIN, as far as that can be told without knowing the BFF's address. */
export const checkCookieDomain = async (options: CookieDomainOptions): Promise<ConfigWarning[]> => {
  const { cookieDomain } = options;
  if (cookieDomain === null || isIP(cookieDomain) !== 0 || !cookieDomain.includes('.')) return [];
  if (await isPublicSuffix(cookieDomain)) {
    return [
      {
        name: 'COOKIE_DOMAIN',
        says: 'is a public suffix, under which anybody can have a name: browsers refuse cookies for it',
        todo: 'Set it to a domain of your own, or unset it',
      },
    ];
  }
  const hosts = knownHosts(options);
  return hosts.length === 0 || hosts.some((host) => isUnder(host, cookieDomain))
    ? []
    : [
        {
          name: 'COOKIE_DOMAIN',
          says: 'is the domain of no host in CORS_ORIGINS and HOST: unless the BFF is reached at a host below it, browsers refuse the cookies',
          todo: 'Set it to the domain that the BFF and its frontends share, or unset it',
        },
      ];
};
