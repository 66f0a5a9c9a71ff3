import { hostnameOf } from './hostname.ts';
import type { Dialect } from './auth-service/options.ts';

export const print = (text: string) => process.stdout.write(`${text}\n`);

/** Prints the message to standard error and exits with 1. */
export const exitWithError = (message: string): never => {
  process.stderr.write(`${message}\n`);
  process.exit(1);
};

/** Prints why a server cannot listen, with the remedy if its port is in use, and exits with 1. */
export const exitOnStartError = (name: string, remedy: string) => (error: NodeJS.ErrnoException & { port?: number }) =>
  exitWithError(
    error.code === 'EADDRINUSE'
      ? `${name} cannot start: port ${error.port} is in use. ${remedy}`
      : `${name} cannot start: ${error.message}`,
  );

/** Parses the options of one command. An invalid value prints an error and the usage, and exits with 1. */
export const createOptionReader = (usage: string) => {
  const failWithUsage = (message: string) => exitWithError(`${message}\n${usage}`);
  const toSeconds = (name: string, text: string): number => {
    if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
    return failWithUsage(`${name}: expected a whole number of seconds from 1 to 999999, got ${text}`);
  };
  return {
    failWithUsage,
    toPort(name: string, text: string): number {
      if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
      return failWithUsage(`${name}: expected a port from 0 to 65535, got ${text}`);
    },
    /** Parses `--access-lifetime-seconds`. Default: the lifetime of the dialect. */
    toAccessLifetime(text: string | undefined): { accessLifetimeSeconds?: number } {
      return text === undefined ? {} : { accessLifetimeSeconds: toSeconds('--access-lifetime-seconds', text) };
    },
    /** Parses the hosts of a repeatable option. They have no ports. */
    toHosts(name: string, texts: readonly string[]): string[] {
      return texts.map((text) => {
        const hostname = hostnameOf(text);
        if (hostname !== null && !/:\d*$/.test(text.replace(/^\[.*\]/, ''))) return hostname;
        return failWithUsage(
          `${name}: expected a host name or an IP address without a port (IPv6 in brackets), got ${text}`,
        );
      });
    },
    toDialect(text: string): Dialect {
      if (text === 'guide' || text === 'deployed') return text;
      return failWithUsage(`--dialect: expected guide or deployed, got ${text}`);
    },
  };
};
