import { Agent, request } from 'undici';
import { staff } from '../../../server/dev/auth-service/people/people-staff.ts';
import { crowd } from '../../support/app/crowd.ts';
import type { Report } from '../report.ts';
import { type SetUp, trpcPath } from '../set-up.ts';
import { type Peer, startPeer } from '../start-peer.ts';
import { atMost, median } from '../statistics.ts';

const latencyMs = 8;
const ids = [...staff.map(({ id }) => id), ...crowd(50)].slice(0, 50);
/** Connections that browsers open to one host. */
const browserConnections = 6;
const pagesPerRound = 50;
const byRest = `the Auth Service by REST, ${ids.length} requests`;
/**
 * Warm-up pages. The JIT compiler needs about 1,500 cold pages to reach its final state, which several at once reach sooner.
 * After them, the first 400 pages one by one still take up to a tenth longer.
 */
const pagesToWarmUp = { atOnce: 1_500, oneByOne: 400 };

/** Disables the directory cache, so that every page is a cache miss. */
const withoutCache = {
  DIRECTORY_FRESH_SECONDS: '0',
  DIRECTORY_STALE_SECONDS: '0',
  DIRECTORY_STALE_ON_ERROR_SECONDS: '0',
};

export type PageOptions = { setUp: SetUp; report: Report; rounds: number };

/** A page of 50 users with an Auth Service that takes 8 ms per response, compared with a page that calls the Auth Service directly. */
export const measurePage = async ({ setUp, report, rounds }: PageOptions): Promise<void> => {
  const { authService, cookie, env } = setUp;
  const section = report.section(`A page of ${ids.length} users, with an Auth Service that answers in ${latencyMs} ms`);
  const dispatcher = new Agent({ connections: browserConnections });
  const get = async (url: string, json?: unknown): Promise<void> => {
    const options = json === undefined ? {} : ({ method: 'POST', body: JSON.stringify(json) } as const);
    const headers = { cookie, 'content-type': 'application/json', 'x-api-key': env.AUTH_API_KEY };
    const { statusCode, body } = await request(url, { dispatcher, headers, ...options });
    await body.text();
    if (statusCode !== 200) throw new Error(`${url} returned ${statusCode}.`);
  };
  using warm = await startPeer({ script: 'bff.mjs', env });
  using cold = await startPeer({ script: 'bff.mjs', env: { ...env, ...withoutCache } });
  const readPage = ({ port }: Peer, some = ids) =>
    get(`http://127.0.0.1:${port}${trpcPath('users.byIds', { ids: some })}`);
  const direct = (id: number) => get(`${authService.url}/api/v1/tts/user-info/${id}/`);
  const pages: Record<string, () => Promise<unknown>> = {
    // The bulk lookup that the BFF uses.
    'one round trip to the Auth Service': () =>
      get(`${authService.url}/api/v1/tts/users-info/`, { user_ids: ids, employee_cookie_ids: ids }),
    [byRest]: () => Promise.all(ids.map(direct)),
    'BFF, cold cache': () => readPage(cold),
    'BFF, warm cache': () => readPage(warm),
  };
  authService.fault('*', { kind: 'latency', ms: latencyMs });
  const measured = new Map<string, number[]>();
  const showMany = async (show: () => Promise<unknown>, count: number): Promise<number> => {
    const times: number[] = [];
    for (let index = 0; index < count; index += 1) {
      const startedAtMs = performance.now();
      await show();
      times.push(performance.now() - startedAtMs);
    }
    return median(times);
  };
  const warmUpAtOnce = async (peer: Peer): Promise<void> => {
    const pagesEach = pagesToWarmUp.atOnce / browserConnections;
    // Different people, because pages with the same people share their loads.
    const parts = Array.from({ length: browserConnections }, (_, index) => crowd(ids.length, index * ids.length));
    await Promise.all(parts.map((part) => showMany(() => readPage(peer, part), pagesEach)));
  };
  for (const peer of [cold, warm]) await warmUpAtOnce(peer);
  for (const [name, show] of Object.entries(pages)) {
    const requests = name === byRest ? ids.length : 1;
    await showMany(show, Math.ceil(pagesToWarmUp.oneByOne / requests));
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, show] of Object.entries(pages)) {
      measured.set(name, [...(measured.get(name) ?? []), await showMany(show, pagesPerRound)]);
    }
  }
  authService.clearFaults();
  await dispatcher.close();
  const timeOf = (name: string) => median(measured.get(name) ?? []);
  section.rows(Object.keys(pages).map((name) => ({ name, 'median, ms': timeOf(name) })));
  const roundTrip = timeOf('one round trip to the Auth Service');
  section.verdict(atMost('cold cache, relative to one round trip', timeOf('BFF, cold cache') / roundTrip, 1.25));
  section.verdict(atMost('warm cache, relative to one round trip', timeOf('BFF, warm cache') / roundTrip, 0.15));
};
