import { type RefreshOnServerOptions, refreshOnServer } from '../../../client/src/server.ts';
import { accessLifetimeMs } from './start-app.ts';
import { startSignedIn, type StartSignedInOptions } from './start-signed-in.ts';

/** A call of the rendering server to the BFF, with what the BFF answered. */
export type ServerCall = { path: string; headers: Headers; init: RequestInit; response: Response | null };

/**
 * Milliseconds after the sign-in at which a page refreshes the session: after its expiry or, before the deployed service, which
 * then refuses, when it is due.
 */
export const staleAfterMs = {
  guide: accessLifetimeMs.guide + 1_000,
  deployed: (accessLifetimeMs.deployed * 2) / 3 + 1_000,
};

/** A real BFF, a browser whose person is signed in, and a server that renders pages for it. */
export const startPageServer = async (options: StartSignedInOptions = {}) => {
  const test = await startSignedIn(options);
  const calls: ServerCall[] = [];
  const url = `${test.url}/trpc`;

  const recorded = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const call: ServerCall = {
      path: new URL(input instanceof Request ? input.url : input).pathname.replace('/trpc/', ''),
      headers: new Headers(init.headers),
      init,
      response: null,
    };
    calls.push(call);
    const response = await fetch(input, init);
    call.response = response.clone();
    return response;
  };

  const cookieOf = (cookies: ReadonlyMap<string, string>): string =>
    [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const cookie = cookieOf(test.browser.cookies);

  return {
    ...test,
    trpcUrl: url,
    /** The calls to the BFF, oldest first. */
    calls,
    paths: () => calls.map(({ path }) => path),
    recorded,
    /** The `Cookie` header of the browser at the start. */
    cookie,
    /** Opens a page with these cookies. Default: those of the browser at the start. */
    open: (sent: string = cookie, own: Partial<RefreshOnServerOptions> = {}) =>
      refreshOnServer({
        url,
        request: new Request('https://app.test/', { headers: { cookie: sent } }),
        fetch: recorded,
        ...own,
      }),
    [Symbol.asyncDispose]: () => test[Symbol.asyncDispose](),
  };
};
