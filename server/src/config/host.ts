import { isIP, isIPv4, isIPv6 } from 'node:net';
import { toUrl } from '../platform/to-url.ts';

/** Characters that end the host of a URL, or that URL removes silently. */
const forbidden = /[\s/\\?#@:%<>^|]|\p{Cc}/u;

const hasValidLabels = (name: string): boolean =>
  name.length <= 253 &&
  name
    .replace(/\.$/, '')
    .split('.')
    .every((label) => label.length >= 1 && label.length <= 63);

/**
 * A host for sockets: an IP address without brackets, or an ASCII name. Null if invalid. Names that end in a number are
 * invalid, because resolvers read them as addresses: `4000` as 0.0.15.160.
 */
export const toHost = (text: string): string | null => {
  if (isIP(text) !== 0) return text;
  const inBrackets = /^\[(.*)\]$/.exec(text)?.[1];
  if (inBrackets !== undefined) return isIPv6(inBrackets) ? inBrackets : null;
  if (text.includes('*') || forbidden.test(text)) return null;
  const hostname = toUrl(`http://${text}`)?.hostname;
  return hostname === undefined || isIPv4(hostname) || !hasValidLabels(hostname) ? null : hostname;
};
