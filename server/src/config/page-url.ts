import { toUrl } from '../platform/to-url.ts';
import { parseHttpUrl } from './http-url.ts';
import type { Parsed } from './parse.ts';

/** The parameters that the BFF adds to the address of the page. */
export type PageParameters = Readonly<Record<string, string>>;

/** `#/reset` or `#!/reset`, also with parameters: the page of a frontend whose router works with the fragment. */
const hashRoute = /^#!?\//;
const ownParameters = ['token', 'as'];

/** The parameters in the fragment of a hash route, or else in the query. */
const parametersOf = (url: URL): URLSearchParams =>
  url.hash === '' ? url.searchParams : new URLSearchParams(/\?(.*)$/.exec(url.hash)?.[1] ?? '');

/**
 * PASSWORD_RESET_URL: the address of a page. Unlike a base address, it may have a query, and a trailing slash stays. It may
 * have a fragment if that is a hash route, such as `https://app.example/#/reset`.
 */
export const parsePageUrl = (text: string): Parsed<string> => {
  const base = parseHttpUrl(text.replace(/[?#].*$/s, ''));
  if ('fault' in base) {
    return base.fault.startsWith('expected an http')
      ? { fault: 'expected an http or https address, such as https://app.example.org/new-password' }
      : base;
  }
  if (/[\s\\]/.test(text)) return { fault: 'expected an address without spaces and backslashes' };
  const url = toUrl(text);
  if (url === null) return { fault: 'expected an http or https address, such as https://app.example.org/new-password' };
  if (url.hash !== '' && !hashRoute.test(url.hash)) {
    return { fault: 'expected an address without a fragment, or with a hash route such as #/new-password' };
  }
  const taken = ownParameters.find((name) => url.searchParams.has(name) || parametersOf(url).has(name));
  if (taken !== undefined) return { fault: `expected an address without the parameter ${taken}, which the BFF adds` };
  return { value: url.href };
};

/** The address of the page with further parameters: in the query or, for a hash route, at its end. */
export const withParameters = (pageUrl: string, parameters: PageParameters): string => {
  const url = new URL(pageUrl);
  const added = new URLSearchParams(parameters).toString();
  if (url.hash === '') {
    url.search = url.search === '' ? added : `${url.search.slice(1)}&${added}`;
    return url.href;
  }
  const separator = url.hash.includes('?') ? '&' : '?';
  url.hash = `${url.hash}${separator}${added}`;
  return url.href;
};
