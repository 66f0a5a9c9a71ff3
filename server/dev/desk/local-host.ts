import { isIP } from 'node:net';

/**
 * The host that a request was sent to, for an address beside it; null where it is a name other than localhost. Another
 * site can let a name of its own lead to this machine, and its pages are of the same origin then.
 */
export const localHostOf = (hostname: string): string | null => {
  const address = /^\[(.*)\]$/.exec(hostname)?.[1] ?? hostname;
  return hostname === 'localhost' || isIP(address) !== 0 ? hostname : null;
};
