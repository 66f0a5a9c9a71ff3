import { abortable } from '../abortable.ts';
import { type AuthClient, createAuthClient } from '../create-auth-client.ts';
import type { AuthFetch } from '../transport.ts';
import { forwardedHeaders, type ServerRequest } from './request-headers.ts';
import { createServerFetch, toServerUrl } from './server-fetch.ts';

/** What `createServerClient` and `refreshOnServer` need to send a request of a visitor. */
export type ServerRequestOptions = {
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

export type ServerClientOptions = ServerRequestOptions & {
  /**
   * Milliseconds after which a request without a complete response fails with the reason `network`, so that no page waits
   * for a BFF that hangs. Default: 5,000.
   */
  timeoutMs?: number | undefined;
};

/** The signal ends a response too whose body does not arrive. The timer does not keep the process alive. */
const withTimeout =
  (fetch: AuthFetch, timeoutMs: number): AuthFetch =>
  (input, init) => {
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = init?.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
    // Rejects by itself, since a custom `fetch` may ignore the signal.
    return abortable(fetch(input, { ...init, signal }), signal);
  };

/**
 * Creates the client of one request on a server. Create one per request: a shared client would show one visitor's data to
 * another. It never refreshes, because it could not send the new cookies to the browser: call `refreshOnServer` first. It
 * does not retry, and uses no locks or channels, so that it needs no `dispose`.
 *
 * Throws a `TypeError` if `url` is relative.
 */
export const createServerClient = (options: ServerClientOptions): AuthClient => {
  const { url, request, clientAddress, fetch, timeoutMs = 5_000 } = options;
  return createAuthClient({
    url: toServerUrl(url, fetch),
    headers: forwardedHeaders({ request, clientAddress }),
    fetch: withTimeout(createServerFetch(fetch), timeoutMs),
    retry: false,
    locks: null,
    channel: null,
  });
};
