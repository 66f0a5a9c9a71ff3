import { parseArgs } from 'node:util';
import { startGenerator } from './load/start-generator.ts';
import { createReport } from './report.ts';
import { setUp } from './set-up.ts';
import { measureAssignments } from './workloads/assignments.ts';
import { measureClientSize } from './workloads/client-size.ts';
import { measurePage } from './workloads/page.ts';
import { measureQueries } from './workloads/queries.ts';
import { measureRedis } from './workloads/redis.ts';
import { measureStart } from './workloads/start.ts';
import { measureTokens } from './workloads/tokens.ts';
import { measureVerification } from './workloads/verification.ts';

const print = (line: string) => void process.stdout.write(`${line}\n`);
const { values } = parseArgs({
  options: {
    /** Which of the workloads, by their names with commas. Default: all. */
    only: { type: 'string' },
    /** Where the figures are kept as JSON. */
    json: { type: 'string' },
    /** How many rounds in turn. */
    rounds: { type: 'string', default: '5' },
    /** How many distinct tokens come. */
    tokens: { type: 'string', default: '1000000' },
  },
});
const rounds = Number(values.rounds);
const report = createReport(print);
const given = await setUp();
const generator = startGenerator();

const workloads: Record<string, () => Promise<unknown>> = {
  queries: () => measureQueries({ setUp: given, generator, report, rounds, roundMs: 2_000 }),
  redis: () => measureRedis({ setUp: given, generator, report, rounds, roundMs: 2_000 }),
  page: () => measurePage({ setUp: given, report, rounds }),
  verification: () => measureVerification({ setUp: given, report, rounds }),
  start: () => measureStart({ setUp: given, report, rounds }),
  size: async () => {
    const section = report.section('The client, bundled by esbuild for browsers, beside plain tRPC');
    await measureClientSize(section.note);
  },
  assignments: async () => {
    const section = report.section('Turns with a key each, of five candidates, 50 at once; medians of 5 rounds');
    await measureAssignments(section.note);
  },
  tokens: () => measureTokens({ setUp: given, generator, report, tokens: Number(values.tokens) }),
};
const names = values.only?.split(',') ?? Object.keys(workloads);
const unknown = names.filter((name) => !Object.hasOwn(workloads, name));
if (unknown.length > 0) {
  process.stderr.write(`No workload ${unknown.join(', ')}: there are ${Object.keys(workloads).join(', ')}.\n`);
  process.exit(2);
}
for (const name of names) await workloads[name]?.();
if (values.json !== undefined) report.save(values.json);
generator[Symbol.dispose]();
await given[Symbol.asyncDispose]();
