import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createOptionReader } from './command-line.ts';

const usage =
  'Usage: npm run dev -- [--dialect guide|deployed] [--auth-service-port 8000] [--control-port 8001] [--tickets-port 8010] [--access-lifetime-seconds 900, or 300 in the deployed dialect] [--allowed-host host.docker.internal]… [--demo-folder client/demo]';

/** Parses the options of `npm run dev`. An invalid option prints the usage and exits with 1. */
export const readStartOptions = () => {
  const { failWithUsage, toPort, toAccessLifetime, toHosts, toDialect } = createOptionReader(usage);
  try {
    const { values } = parseArgs({
      options: {
        dialect: { type: 'string', default: 'guide' },
        'auth-service-port': { type: 'string', default: '8000' },
        'control-port': { type: 'string', default: '8001' },
        'tickets-port': { type: 'string', default: '8010' },
        'access-lifetime-seconds': { type: 'string' },
        'allowed-host': { type: 'string', multiple: true, default: [] },
        'demo-folder': { type: 'string' },
      },
    });
    const { 'demo-folder': demoFolder } = values;
    return {
      dialect: toDialect(values.dialect),
      authServicePort: toPort('--auth-service-port', values['auth-service-port']),
      controlPort: toPort('--control-port', values['control-port']),
      ticketsPort: toPort('--tickets-port', values['tickets-port']),
      ...toAccessLifetime(values['access-lifetime-seconds']),
      /** Hosts that requests may have in the Host header, in addition to this machine's. */
      allowedHosts: toHosts('--allowed-host', values['allowed-host']),
      /** Null: client/demo of this repository. */
      demoFolder: demoFolder === undefined ? null : resolve(demoFolder),
    };
  } catch (error) {
    return failWithUsage((error as Error).message);
  }
};
