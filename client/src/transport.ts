/** Headers by name. */
export type AuthHeaders = Record<string, string>;

/** The part of `fetch` that is used. */
export type AuthFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

const isRelative = (url: string) => !/^[a-z][a-z0-9+.-]*:/i.test(url);

/** The given fetch, or the platform's, with the cookies. Looked up at each call: an import touches no global. */
export const withCredentials =
  (own: AuthFetch | undefined): AuthFetch =>
  (input, init) => {
    // A fetch of one's own may well know what to do with it, such as a framework's on its server.
    if (!own && typeof input === 'string' && isRelative(input) && typeof location === 'undefined') {
      throw new TypeError(
        `Outside a browser the url must be absolute, such as https://example.org/trpc; it is ${input}.`,
      );
    }
    return (own ?? fetch)(input, { credentials: 'include', ...init });
  };
