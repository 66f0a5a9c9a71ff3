import { crowd } from '../../support/app/crowd.ts';
import type { Generator } from '../load/start-generator.ts';
import type { Report } from '../report.ts';
import { batchPath, requestText, type SetUp, trpcPath } from '../set-up.ts';
import { startPeer } from '../start-peer.ts';
import { atMost } from '../statistics.ts';

const people = 20_000;
const idsPerLookup = 500;
const callsPerBatch = 50;
/** People of the warm-up. They stay in the cache. */
const peopleToWarmUp = 500;
const megabyte = 1_048_576;

/** Nobody expires or is evicted within the run. */
const keepingEverybody = {
  DIRECTORY_FRESH_SECONDS: '86400',
  DIRECTORY_STALE_SECONDS: '86400',
  DIRECTORY_MAX_ENTRIES: '100000',
};

export type PeopleOptions = {
  setUp: SetUp;
  generator: Generator;
  report: Report;
  /** Folder of another built checkout, whose BFF is compared with this one. */
  before?: string | undefined;
};

const chunk = (ids: readonly number[], size: number): number[][] =>
  Array.from({ length: Math.ceil(ids.length / size) }, (_, index) => ids.slice(index * size, (index + 1) * size));

/** Measures the memory retained by many cached people, after each has been in a list and in a response of their own. */
export const measurePeople = async ({ setUp, generator, report, before }: PeopleOptions): Promise<void> => {
  const { authService, cookie, env } = setUp;
  const section = report.section(`${people.toLocaleString('en')} cached people`);

  const measure = async (name: string, more: Record<string, string> = {}) => {
    const peerEnv = { ...env, ...keepingEverybody, ...more };
    using peer = await startPeer({ script: 'bff.mjs', env: peerEnv, execArgv: ['--expose-gc'], hasOwnCore: true });
    const send = async (paths: string[], repeats = 1): Promise<void> => {
      const { failed } = await generator.run({
        port: peer.port,
        requests: paths.map((path) => requestText(path, { cookie })),
        status: 200,
        connections: 4,
        durationMs: Number.MAX_SAFE_INTEGER,
        maxRequests: paths.length * repeats,
      });
      if (failed > 0) throw new Error(`${name}: ${failed} of ${paths.length * repeats} requests did not return 200.`);
    };
    const lookUp = async (ids: readonly number[], repeats?: number): Promise<void> => {
      await send(
        chunk(ids, idsPerLookup).map((part) => trpcPath('users.byIds', { ids: part })),
        repeats,
      );
      await send(chunk(ids, callsPerBatch).map(batchPath), repeats);
    };

    await lookUp(crowd(peopleToWarmUp), 100);
    const bytesBefore = await peer.retainedBytes();
    await lookUp(crowd(people, peopleToWarmUp));
    const bytes = await peer.retainedBytes();

    // The figure is about cached people, so all of them must be in the cache.
    const calls = authService.count();
    await lookUp(crowd(people, peopleToWarmUp));
    if (authService.count() > calls) throw new Error(`${name}: not all ${people} people were cached.`);
    return {
      name,
      'MB before': bytesBefore / megabyte,
      'MB with them': bytes / megabyte,
      'bytes a person': (bytes - bytesBefore) / people,
    };
  };

  const ours = await measure('BFF');
  const other = before === undefined ? null : await measure('BFF, before', { BENCH_CHECKOUT: before });
  section.rows(other === null ? [ours] : [ours, other]);
  if (other !== null) {
    section.verdict(atMost('MB more than the BFF before', ours['MB with them'] - other['MB with them'], 25));
  }
};
