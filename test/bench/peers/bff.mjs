// The BFF as it was built, with all that it has in production; with BENCH_OFFICIAL=1 by tRPC's own Fastify adapter.
import { createApp } from '../../../server/dist/app.js';
import { loadConfig } from '../../../server/dist/config.js';
import { reportPort } from './listen.mjs';

const app = await createApp({ config: loadConfig(process.env), officialAdapter: process.env.BENCH_OFFICIAL === '1' });
await app.listen();
reportPort(app.server.server.address().port);
