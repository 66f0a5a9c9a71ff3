import { toUrl } from '../platform/to-url.ts';
import { toHost } from './host.ts';
import type { Reading } from './parse.ts';

/** The host of a URL as it was written: URL itself reads `http://4000` as an address. */
const writtenHost = (text: string): string => {
  const authority = /^https?:\/\/([^/?#]*)/i.exec(text)?.[1] ?? '';
  return authority.replace(/^.*@/, '').replace(/:\d*$/, '');
};

/** AUTH_SERVICE_URL: an http or https address, which may have a path. Given back in one spelling, without a slash at its end. */
export const readHttpUrl = (text: string): Reading<string> => {
  const fault = 'expected an http or https address, such as http://auth-service:8000';
  if (!/^https?:\/\/[^/]/i.test(text)) return { fault };
  if (/[\s\\]/.test(text)) return { fault: 'expected an address without spaces and backslashes' };
  const url = toUrl(text);
  if (url === null) return { fault };
  if (url.username !== '' || url.password !== '') {
    return { fault: 'expected an address without a user name or password in it' };
  }
  // URL drops an empty query, so that only the text shows it; a path behind it would be lost.
  if (/[?#]/.test(text)) return { fault: 'expected an address without a query or fragment' };
  if (toHost(writtenHost(text)) === null) return { fault };
  if (url.port === '0') return { fault: 'expected a port from 1 to 65535' };
  if (/%(?![\da-f]{2})/i.test(url.pathname)) {
    return { fault: 'expected a path in which % begins an escape such as %20' };
  }
  return { value: `${url.origin}${url.pathname}`.replace(/\/+$/, '') };
};
