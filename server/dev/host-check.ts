import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import { hostnameOf, isLocalHostname } from './hostname.ts';

export type HostCheckOptions = {
  /** Additional accepted hosts without ports: names such as `host.docker.internal`, or IP addresses. Default: none. */
  allowedHosts?: readonly string[];
};

/** The authority of a request target in absolute form. Undefined for other forms. Source: RFC 9112, 3.2. */
const authorityOf = (target: string): string | undefined => /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(target)?.[1];

/** A target without a host: in origin form (`/path`) or asterisk form. */
const hasNoAuthority = (target: string): boolean => target.startsWith('/') || target === '*';

/**
 * Protects development servers, which need no sign-in, from pages of other sites. A page reaches the server either by DNS
 * rebinding, which `Host` reveals, or cross-origin, which `Origin` reveals. `X-Forwarded-Host` is ignored because a page
 * can set it.
 */
export const createHostCheck = ({ allowedHosts = [] }: HostCheckOptions = {}) => {
  const allowed = new Set(allowedHosts.map((host) => hostnameOf(isIPv6(host) ? `[${host}]` : host)));

  const isAccepted = (hostname: string | null): boolean =>
    hostname !== null && (isLocalHostname(hostname) || allowed.has(hostname));

  const rejectionMessage = (hostname: string | null): string => {
    const named = hostname === null ? 'an invalid host' : `the host ${hostname.slice(0, 100)}`;
    return [
      `Refused: the request is for ${named}.`,
      'This development server accepts only localhost, names below .localhost, 127.0.0.0/8 and [::1],',
      'to protect it from pages of other sites. To allow this host, restart the server with --allowed-host and the host.',
    ].join('\n');
  };

  return {
    /** The host in the `Host` header, without port. Null if it is not accepted. */
    acceptedHostname(request: IncomingMessage): string | null {
      const hostname = hostnameOf(request.headers.host ?? '');
      return isAccepted(hostname) ? hostname : null;
    },
    /** The reason to reject a request for its host, as the text of a 421. Null: accepted. */
    hostRejection(request: IncomingMessage): string | null {
      const { url: target = '/', headersDistinct } = request;
      const { host: hosts = [] } = headersDistinct;
      if (hosts.length !== 1) {
        return `Refused: the request has ${hosts.length} Host headers. Send exactly one, such as Host: localhost.`;
      }
      const inTarget = hasNoAuthority(target) ? [] : [authorityOf(target) ?? ''];
      // RFC 9112 ignores `Host` if the target is in absolute form, but servers differ, so both are checked.
      for (const authority of [...hosts, ...inTarget]) {
        const hostname = hostnameOf(authority);
        if (!isAccepted(hostname)) return rejectionMessage(hostname);
      }
      return null;
    },
    /** The reason to reject a request from a page of another site, as the text of a 403. Null: accepted. */
    originRejection(request: IncomingMessage): string | null {
      const origins = request.headersDistinct.origin ?? [];
      const isForeign = origins.some((origin) => !isAccepted(hostnameOf(authorityOf(origin) ?? '')));
      return isForeign
        ? 'Refused: the Origin header names another site. Send the request from a page on localhost, or without an Origin header.'
        : null;
    },
  };
};

export type HostCheck = ReturnType<typeof createHostCheck>;
