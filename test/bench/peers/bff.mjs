// The built BFF with all features of production. BENCH_OFFICIAL=1: served by tRPC's own Fastify adapter.
// BENCH_CHECKOUT: the folder of another built checkout, whose BFF is measured instead.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { reportPort } from './listen.mjs';

const { BENCH_CHECKOUT, BENCH_OFFICIAL } = process.env;
const root =
  BENCH_CHECKOUT === undefined ? new URL('../../../', import.meta.url) : pathToFileURL(`${resolve(BENCH_CHECKOUT)}/`);
const { createApp } = await import(new URL('server/dist/app.js', root).href);
const { loadConfig } = await import(new URL('server/dist/config.js', root).href);

const app = await createApp({ config: loadConfig(process.env), officialAdapter: BENCH_OFFICIAL === '1' });
await app.listen();
reportPort(app.server.server.address().port);
