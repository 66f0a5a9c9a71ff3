import { isIP } from 'node:net';
import { type Parsed, toList } from './parse.ts';

/** More hops than any chain of proxies has. A larger number would trust every client. */
const maxHops = 32;

/** Names that Fastify's proxy-addr supports for loopback, link-local and private networks. */
const namedNetworks = new Set(['loopback', 'linklocal', 'uniquelocal']);

/** An IP address, or a network such as 10.0.0.0/8. */
const isNetwork = (entry: string): boolean => {
  if (namedNetworks.has(entry)) return true;
  const [address = '', prefix = '1', ...rest] = entry.split('/');
  const bits = { 4: 32, 6: 128 }[isIP(address)] ?? 0;
  return rest.length === 0 && /^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= bits;
};

/** TRUST_PROXY: the proxies whose X-Forwarded-For is trusted. */
export const parseTrustProxy = (text: string): Parsed<boolean | number | string[]> => {
  const fault = `expected true, false, a number of proxies (up to ${maxHops}), or addresses of proxies, comma-separated (10.0.0.0/8, loopback)`;
  if (text === 'true' || text === 'false') return { value: text === 'true' };
  if (/^\d+$/.test(text)) return Number(text) <= maxHops ? { value: Number(text) } : { fault };
  const networks = toList(text);
  return networks.length > 0 && networks.every(isNetwork) ? { value: networks } : { fault };
};
