import { parseArgs } from 'node:util';
import { startGenerator } from './load/start-generator.ts';
import { createReport } from './report.ts';
import { setUp } from './set-up.ts';
import { measureAssignments } from './workloads/assignments.ts';
import { measureCapacity } from './workloads/capacity.ts';
import { measureClientSize } from './workloads/client-size.ts';
import { measurePage } from './workloads/page.ts';
import { measurePeople } from './workloads/people.ts';
import { measureQueries } from './workloads/queries.ts';
import { measureRedis } from './workloads/redis.ts';
import { measureStart } from './workloads/start.ts';
import { measureSubscriptions } from './workloads/subscriptions.ts';
import { measureTokens } from './workloads/tokens.ts';
import { measureVerification } from './workloads/verification.ts';
import { measureVerify } from './workloads/verify.ts';

const print = (line: string) => void process.stdout.write(`${line}\n`);
const { values } = parseArgs({
  options: {
    /** Comma-separated names of workloads. Default: all. */
    only: { type: 'string' },
    /** Path of the JSON file for the results. Default: none. */
    json: { type: 'string' },
    /** Folder of another built checkout. The workloads queries and people compare its BFF with this one. Default: none. */
    before: { type: 'string' },
    /** Number of rounds. */
    rounds: { type: 'string', default: '5' },
    /** Number of distinct tokens in the tokens workload. */
    tokens: { type: 'string', default: '1000000' },
  },
});
const rounds = Number(values.rounds);
const report = createReport(print);
const given = await setUp();
const generator = startGenerator();

const workloads: Record<string, () => Promise<unknown>> = {
  queries: () => measureQueries({ setUp: given, generator, report, rounds, roundMs: 2_000, before: values.before }),
  verify: () => measureVerify({ setUp: given, generator, report, rounds, roundMs: 2_000 }),
  redis: () => measureRedis({ setUp: given, generator, report, rounds, roundMs: 2_000 }),
  people: () => measurePeople({ setUp: given, generator, report, before: values.before }),
  page: () => measurePage({ setUp: given, report, rounds }),
  verification: () => measureVerification({ setUp: given, report, rounds }),
  start: () => measureStart({ setUp: given, report, rounds }),
  size: async () => {
    const section = report.section('The client bundled by esbuild, compared with plain tRPC');
    await measureClientSize(section.note);
  },
  assignments: async () => {
    const section = report.section(
      'Assignments with a new key each, five candidates, 50 in flight; medians of 5 rounds',
    );
    await measureAssignments(section.note);
  },
  subscriptions: () => measureSubscriptions({ setUp: given, report, rounds }),
  capacity: () => measureCapacity({ setUp: given, report }),
  tokens: () => measureTokens({ setUp: given, generator, report, tokens: Number(values.tokens) }),
};
const names = values.only?.split(',') ?? Object.keys(workloads);
const unknown = names.filter((name) => !Object.hasOwn(workloads, name));
if (unknown.length > 0) {
  process.stderr.write(`Unknown workload: ${unknown.join(', ')}. Workloads: ${Object.keys(workloads).join(', ')}.\n`);
  process.exit(2);
}
for (const name of names) await workloads[name]?.();
if (values.json !== undefined) report.save(values.json);
generator[Symbol.dispose]();
await given[Symbol.asyncDispose]();
