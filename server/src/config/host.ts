import { isIP, isIPv4, isIPv6 } from 'node:net';
import { toUrl } from '../platform/to-url.ts';

/** Characters that end a host in a URL, or that URL drops without a word. */
const foreign = /[\s/\\?#@:%<>^|]|\p{Cc}/u;

const hasGoodLabels = (name: string): boolean =>
  name.length <= 253 &&
  name
    .replace(/\.$/, '')
    .split('.')
    .every((label) => label.length >= 1 && label.length <= 63);

/**
 * A host as sockets take it: an IP address without brackets, or a name in ASCII. Null: it is neither. A name that ends
 * in a number is refused, since resolvers read it as an address: `4000` as 0.0.15.160.
 */
export const toHost = (text: string): string | null => {
  if (isIP(text) !== 0) return text;
  const inBrackets = /^\[(.*)\]$/.exec(text)?.[1];
  if (inBrackets !== undefined) return isIPv6(inBrackets) ? inBrackets : null;
  if (text.includes('*') || foreign.test(text)) return null;
  const hostname = toUrl(`http://${text}`)?.hostname;
  return hostname === undefined || isIPv4(hostname) || !hasGoodLabels(hostname) ? null : hostname;
};
