import { createLog } from '../../../server/src/platform/log.ts';

/** Without a destination, the log would look every 100 ms for lines to write, to the end of the worker. */
export const silentLog = createLog({ logLevel: 'silent', destination: { write: () => {} } });
