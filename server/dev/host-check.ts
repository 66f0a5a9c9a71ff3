import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import { hostnameOf, isLocalHostname } from './hostname.ts';

export type HostCheckOptions = {
  /** Further hosts that requests may name, without ports: names such as `host.docker.internal`, or IP addresses. Default: none. */
  allowedHosts?: readonly string[];
};

/** The authority of a request target in absolute form. Undefined: the target has another form. Source: RFC 9112, 3.2. */
const authorityOf = (target: string): string | undefined => /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(target)?.[1];

/** A target that names no host: in origin form (`/path`) or in asterisk form. */
const hasNoAuthority = (target: string): boolean => target.startsWith('/') || target === '*';

/**
 * Protects a development server, which asks nobody to sign in, from pages of other sites. Such a page reaches it under a
 * name of its own (DNS rebinding), which `Host` shows, or from its own origin, which `Origin` shows. It trusts no
 * `X-Forwarded-Host`: a page may send one.
 */
export const createHostCheck = ({ allowedHosts = [] }: HostCheckOptions = {}) => {
  const allowed = new Set(allowedHosts.map((host) => hostnameOf(isIPv6(host) ? `[${host}]` : host)));

  const isAccepted = (hostname: string | null): boolean =>
    hostname !== null && (isLocalHostname(hostname) || allowed.has(hostname));

  const rejectionMessage = (hostname: string | null): string => {
    const named = hostname === null ? 'a host that cannot be read' : `the host ${hostname.slice(0, 100)}`;
    return [
      `Refused: the request is for ${named}.`,
      'This development server answers requests for localhost, names below .localhost, 127.0.0.0/8 and [::1] only,',
      'so that no page of another site can reach it. If the host is yours, start the server with --allowed-host and the host.',
    ].join('\n');
  };

  return {
    /** The host that a request names in `Host`, without its port. Null unless the check accepts it. */
    acceptedHostname(request: IncomingMessage): string | null {
      const hostname = hostnameOf(request.headers.host ?? '');
      return isAccepted(hostname) ? hostname : null;
    },
    /** Why a request is refused because of the host that it names: for status 421, as plain text. Null: it is accepted. */
    hostRejection(request: IncomingMessage): string | null {
      const { url: target = '/', headersDistinct } = request;
      const { host: hosts = [] } = headersDistinct;
      if (hosts.length !== 1) {
        return `Refused: the request has ${hosts.length} Host headers. Send exactly one, such as Host: localhost.`;
      }
      const inTarget = hasNoAuthority(target) ? [] : [authorityOf(target) ?? ''];
      // In absolute form the target counts and not `Host`. Both are checked, so that nothing depends on that.
      for (const authority of [...hosts, ...inTarget]) {
        const hostname = hostnameOf(authority);
        if (!isAccepted(hostname)) return rejectionMessage(hostname);
      }
      return null;
    },
    /** Why a request is refused because a page of another site sent it: for status 403, as plain text. Null: it is accepted. */
    originRejection(request: IncomingMessage): string | null {
      const origins = request.headersDistinct.origin ?? [];
      const isForeign = origins.some((origin) => !isAccepted(hostnameOf(authorityOf(origin) ?? '')));
      return isForeign
        ? 'Refused: a page of another site sent the request, as its Origin header shows. Pages of localhost, or no browser at all, may send it.'
        : null;
    },
  };
};

export type HostCheck = ReturnType<typeof createHostCheck>;
