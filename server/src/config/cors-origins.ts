import { toUrl } from '../platform/to-url.ts';
import { type Reading, toList } from './parse.ts';

const expected =
  'expected origins, comma-separated, such as https://tts.example.org: scheme, host and port, nothing more';

/** What keeps a text from being an origin as browsers send it. Null: it is one. The text itself is not repeated. */
const faultOf = (entry: string): string | null => {
  if (entry === 'null') return 'is null, which stands for many pages that have no origin';
  // A star is a letter of a host name to URL, and would be a pattern to whoever sets it.
  if (entry.includes('*')) return 'has a *, and each origin has to be named';
  if (/\s/.test(entry)) return 'has a space in it';
  if (!/^https?:\/\//i.test(entry)) return 'does not begin with http:// or https://';
  const url = toUrl(entry);
  if (url === null) return 'is no address';
  const { origin, port } = url;
  if (port === '0') return 'has the port 0';
  if (origin === entry) return null;
  if (`${origin}/` === entry) return 'ends in a slash';
  if (origin === entry.toLowerCase()) return 'has capital letters';
  if (/\P{ASCII}/u.test(entry)) return 'has letters that browsers send as xn--…';
  return /:(80|443)$/.test(entry) && entry.replace(/:\d+$/, '').toLowerCase() === origin
    ? 'has the port that its scheme implies, which browsers leave out'
    : 'has more than an origin, or is spelt as no browser sends it';
};

/** CORS_ORIGINS: exactly what browsers send as Origin, each once. */
export const readCorsOrigins = (text: string): Reading<string[]> => {
  const entries = toList(text);
  const faults = entries.flatMap((entry, index) => {
    const fault = faultOf(entry);
    return fault === null ? [] : [`entry ${index + 1} ${fault}`];
  });
  return faults.length === 0
    ? { value: [...new Set(entries)] }
    : { fault: `${expected} (${faults.slice(0, 3).join('; ')})` };
};
