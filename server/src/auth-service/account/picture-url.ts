import { toUrl } from '../../platform/to-url.ts';
import type { AccountAddresses } from './account-calls.ts';

const maxLength = 2_048;
const isHttp = ({ protocol }: URL): boolean => protocol === 'http:' || protocol === 'https:';

/**
 * The address of a picture for browsers. The deployed service writes it relative, or on the host of the request, which
 * browsers may not reach: both move to AUTH_SERVICE_PUBLIC_URL. Other hosts, such as a CDN, stay. Null for anything but
 * http and https, and without a picture.
 */
export const createToPictureUrl =
  (addresses: AccountAddresses | undefined) =>
  (picture: string): string | null => {
    const written = picture.trim();
    if (written === '' || written.length > maxLength) return null;
    const own = toUrl(addresses?.url ?? 'http://any');
    const url = own === null ? null : toUrl(written, own.href);
    if (own === null || url === null || !isHttp(url) || url.username !== '' || url.password !== '') return null;
    if (addresses === undefined) return written;
    // Without the scheme: behind a proxy that ends TLS, the service writes http.
    if (url.host !== own.host) return url.href;
    const base = own.pathname.replace(/\/+$/, '');
    const path = base !== '' && url.pathname.startsWith(`${base}/`) ? url.pathname.slice(base.length) : url.pathname;
    return `${addresses.publicUrl}${path}${url.search}`;
  };
