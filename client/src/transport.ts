/** Header values by name. */
export type AuthHeaders = Record<string, string>;

/** The signature of `fetch` that the client uses. */
export type AuthFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

const isRelative = (url: string) => !/^[a-z][a-z0-9+.-]*:/i.test(url);

/** Adds the cookies. Reads the global `fetch` at each call, so that an import touches no global. */
export const withCredentials =
  (own: AuthFetch | undefined): AuthFetch =>
  (input, init) => {
    // A custom `fetch`, such as a framework's on its server, may resolve relative URLs.
    if (!own && typeof input === 'string' && isRelative(input) && typeof location === 'undefined') {
      throw new TypeError(
        `Outside a browser the url must be absolute, such as https://example.org/trpc, but it is ${input}.`,
      );
    }
    return (own ?? fetch)(input, { credentials: 'include', ...init });
  };
