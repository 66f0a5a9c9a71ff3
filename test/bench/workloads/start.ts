import { get } from 'node:http';
import { fileURLToPath } from 'node:url';
import { freePort, runBuilt } from '../../support/processes/run-process.ts';
import type { Report } from '../report.ts';
import type { SetUp } from '../set-up.ts';
import { atMost, median } from '../statistics.ts';

export type StartOptions = { setUp: SetUp; report: Report; rounds: number };

const fileOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const isAnswered = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path: '/health/live' }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    }).once('error', () => resolve(false));
  });

/** Milliseconds from the start of a process to its first response. */
const timeOf = async (script: string, env: Record<string, string>): Promise<number> => {
  const [port, opsPort] = [await freePort(), await freePort()];
  const startedAtMs = performance.now();
  await using server = runBuilt({
    args: [script],
    env: { NODE_ENV: 'production', ...env, PORT: String(port), OPS_PORT: String(opsPort) },
  });
  while (!(await isAnswered(port))) {
    if (server.hasExited()) throw new Error(`${script} exited before it answered:\n${server.output()}`);
  }
  return performance.now() - startedAtMs;
};

/** Measures the time from the start of a process to its first response to `/health/live`. */
export const measureStart = async ({ setUp, report, rounds }: StartOptions): Promise<void> => {
  const section = report.section('From process start to the first response');
  const scripts = {
    'Fastify, bare': fileOf('../peers/fastify-minimal.mjs'),
    BFF: fileOf('../../../server/dist/main.js'),
  };
  const measured = new Map<string, number[]>();
  for (let round = 0; round < rounds + 2; round += 1) {
    for (const [name, script] of Object.entries(scripts)) {
      measured.set(name, [...(measured.get(name) ?? []), await timeOf(script, setUp.env)]);
    }
  }
  const ms = (name: string) => median(measured.get(name) ?? []);
  section.rows(Object.keys(scripts).map((name) => ({ name, 'median, ms': ms(name) })));
  section.verdict(atMost('relative to bare Fastify', ms('BFF') / ms('Fastify, bare'), 1.5));
};
