import { toUrl } from '../platform/to-url.ts';
import { toHost } from './host.ts';
import type { Parsed } from './parse.ts';

/** The host as written. URL itself would turn `http://4000` into an IP address. */
const writtenHost = (text: string): string => {
  const authority = /^https?:\/\/([^/?#]*)/i.exec(text)?.[1] ?? '';
  return authority.replace(/^.*@/, '').replace(/:\d*$/, '');
};

/** AUTH_SERVICE_URL: an http or https address, which may have a path. The result is normalized, without a trailing slash. */
export const parseHttpUrl = (text: string): Parsed<string> => {
  const fault = 'expected an http or https address, such as http://auth-service:8000';
  if (!/^https?:\/\/[^/]/i.test(text)) return { fault };
  if (/[\s\\]/.test(text)) return { fault: 'expected an address without spaces and backslashes' };
  const url = toUrl(text);
  if (url === null) return { fault };
  if (url.username !== '' || url.password !== '') {
    return { fault: 'expected an address without a user name and password' };
  }
  // Tests the text, because URL drops an empty query. A path that is appended to it would be lost.
  if (/[?#]/.test(text)) return { fault: 'expected an address without a query or fragment' };
  if (toHost(writtenHost(text)) === null) return { fault };
  if (url.port === '0') return { fault: 'expected a port from 1 to 65535' };
  if (/%(?![\da-f]{2})/i.test(url.pathname)) {
    return { fault: 'expected a path in which % begins an escape sequence such as %20' };
  }
  return { value: `${url.origin}${url.pathname}`.replace(/\/+$/, '') };
};
