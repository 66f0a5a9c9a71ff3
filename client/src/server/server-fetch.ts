import type { AuthFetch } from '../transport.ts';

/**
 * `fetch` from a server to the BFF. The response belongs to one visitor, so that no cache may keep it (frameworks add caches
 * to `fetch`). A redirect is not followed, because the cookies would be sent elsewhere. `credentials` is left out, which
 * some runtimes reject.
 */
export const createServerFetch =
  (own: AuthFetch | undefined): AuthFetch =>
  (input, init) => {
    const options: RequestInit = { ...init, cache: 'no-store', redirect: 'manual' };
    delete options.credentials;
    return (own ?? fetch)(input, options);
  };

/** Without the trailing slashes. Throws a `TypeError` for a relative URL, unless a `fetch` of the caller may resolve it. */
export const toServerUrl = (url: string, own: AuthFetch | undefined): string => {
  if (own === undefined && !/^https?:\/\//i.test(url)) {
    throw new TypeError(`On a server the url must be absolute, such as http://bff:4000/trpc, but it is ${url}.`);
  }
  return url.replace(/\/+$/, '');
};
