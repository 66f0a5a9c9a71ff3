// The built BFF with all features of production. BENCH_OFFICIAL=1: served by tRPC's own Fastify adapter.
import { createApp } from '../../../server/dist/app.js';
import { loadConfig } from '../../../server/dist/config.js';
import { reportPort } from './listen.mjs';

const app = await createApp({ config: loadConfig(process.env), officialAdapter: process.env.BENCH_OFFICIAL === '1' });
await app.listen();
reportPort(app.server.server.address().port);
