import { parseArgs } from 'node:util';
import { exitOnStartError, createOptionReader, print } from '../command-line.ts';
import { toSeedTickets } from './seed-tickets.ts';
import { createTicketService } from './ticket-service.ts';

// Runs the ticket service as a separate process, as in production. It shares no secret with the BFF: it knows the address of the
// BFF, whose public keys verify assertions, and the origins of the BFF's pages.

const usage =
  'Usage: start-ticket-service.ts [--host 127.0.0.1] [--port 8010] [--bff-url http://localhost:4000] [--issuer auth-bff] [--origin http://localhost:4000]… [--allowed-host tickets.test]…';

const readOptions = () => {
  const { failWithUsage, toPort, toHosts } = createOptionReader(usage);
  try {
    const { values } = parseArgs({
      options: {
        host: { type: 'string', default: '127.0.0.1' },
        port: { type: 'string', default: '8010' },
        'bff-url': { type: 'string', default: 'http://localhost:4000' },
        issuer: { type: 'string', default: 'auth-bff' },
        origin: { type: 'string', multiple: true, default: ['http://localhost:4000'] },
        'allowed-host': { type: 'string', multiple: true, default: [] },
      },
    });
    return {
      host: values.host,
      port: toPort('--port', values.port),
      bffUrl: values['bff-url'],
      issuer: values.issuer,
      origins: values.origin,
      allowedHosts: toHosts('--allowed-host', values['allowed-host']),
    };
  } catch (error) {
    return failWithUsage((error as Error).message);
  }
};

const { host, port, ...options } = readOptions();
const service = await createTicketService({
  ...options,
  seed: toSeedTickets(Date.now()),
  now: Date.now,
});

const stop = async () => {
  await service.close();
  process.exit(0);
};
process.once('SIGTERM', () => void stop());
// Ctrl-C reaches all processes of the terminal. A parent process stops this one itself.
process.once('SIGINT', () => void (process.send === undefined && stop()));
// The parent process has exited, possibly before this listener was added.
process.once('disconnect', () => void stop());
if (process.send !== undefined && !process.connected) await stop();

await service
  .listen({ host, port })
  .catch(
    exitOnStartError(
      'The ticket service',
      'Stop the process that listens on it, or choose another port: npm run dev -- --tickets-port 8110',
    ),
  );
// The empty callback ignores a parent that has just exited; the disconnect handler stops this process.
if (process.send === undefined) print(`The ticket service http://${host}:${port}/tickets/`);
else process.send('listening', undefined, undefined, () => {});
