import { type AuthClient, createAuthClient } from '../create-auth-client.ts';
import type { AuthFetch } from '../transport.ts';
import { forwardedHeaders, type ServerRequest } from './request-headers.ts';
import { createServerFetch, toServerUrl } from './server-fetch.ts';

export type ServerClientOptions = {
  /** Absolute URL of the BFF's tRPC endpoint as this server reaches it, such as `http://bff:4000/trpc`. */
  url: string;
  /** The request of the visitor. Its session cookies are sent, or its Bearer token. */
  request: ServerRequest;
  /**
   * Address of the visitor, sent as `X-Forwarded-For`: otherwise all visitors share the rate limit of this server's address.
   * The BFF's `TRUST_PROXY` must include this server.
   */
  clientAddress?: string | null | undefined;
  /** Default: the global `fetch`. */
  fetch?: AuthFetch | undefined;
};

/**
 * Creates the client of one request on a server. Create one per request: a shared client would show one visitor's data to
 * another. It never refreshes, because it could not send the new cookies to the browser: call `refreshOnServer` first. It
 * does not retry, and uses no timers, locks or channels, so that it needs no `dispose`.
 *
 * Throws a `TypeError` if `url` is relative.
 */
export const createServerClient = ({ url, request, clientAddress, fetch }: ServerClientOptions): AuthClient =>
  createAuthClient({
    url: toServerUrl(url, fetch),
    headers: forwardedHeaders({ request, clientAddress }),
    fetch: createServerFetch(fetch),
    retry: false,
    locks: null,
    channel: null,
  });
