import { toUrl } from '../platform/to-url.ts';
import { type Parsed, toList } from './parse.ts';

const expected = 'expected origins, comma-separated, such as https://tts.example.org: scheme, host and port only';

/** Why an entry is not an origin as browsers send it, without the entry itself. Null if it is one. */
const faultOf = (entry: string): string | null => {
  if (entry === 'null') return 'is null, which many unrelated pages send';
  // URL accepts * as part of a host name, although it is meant as a wildcard.
  if (entry.includes('*')) return 'has a *: wildcards are not supported';
  if (/\s/.test(entry)) return 'has a space';
  if (!/^https?:\/\//i.test(entry)) return 'does not begin with http:// or https://';
  const url = toUrl(entry);
  if (url === null) return 'is not a valid address';
  const { origin, port } = url;
  if (port === '0') return 'has the port 0';
  if (origin === entry) return null;
  if (`${origin}/` === entry) return 'ends in a slash';
  if (origin === entry.toLowerCase()) return 'has capital letters';
  if (/\P{ASCII}/u.test(entry)) return 'has non-ASCII letters, which browsers send as xn--…';
  return /:(80|443)$/.test(entry) && entry.replace(/:\d+$/, '').toLowerCase() === origin
    ? 'has the default port of its scheme, which browsers omit'
    : 'has more than scheme, host and port';
};

/** CORS_ORIGINS: distinct origins, exactly as browsers send them. */
export const parseCorsOrigins = (text: string): Parsed<string[]> => {
  const entries = toList(text);
  const faults = entries.flatMap((entry, index) => {
    const fault = faultOf(entry);
    return fault === null ? [] : [`entry ${index + 1} ${fault}`];
  });
  return faults.length === 0
    ? { value: [...new Set(entries)] }
    : { fault: `${expected} (${faults.slice(0, 3).join('; ')})` };
};
