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

// Rate limiting is on, with a limit that one benchmark user does not reach. RATE_LIMIT_PER_MINUTE allows at most 1,000,000.
const config = { ...loadConfig(process.env), rateLimitPerMinute: 1_000_000_000 };
const app = await createApp({ config, officialAdapter: BENCH_OFFICIAL === '1' });
await app.listen();
reportPort(app.server.server.address().port);
