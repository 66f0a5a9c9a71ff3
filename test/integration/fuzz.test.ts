import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { startAuthService } from '../../server/dev/auth-service/auth-service.ts';
import { createApp } from '../../server/src/app.ts';
import { loadConfig } from '../../server/src/config.ts';
import { createLog } from '../../server/src/platform/log.ts';
import { faultOf } from '../support/fuzz/fault-of.ts';
import { createRandom } from '../support/fuzz/random.ts';
import { pictureRequest, resetLinkRequest } from '../support/fuzz/account-requests.ts';
import { accountRequest, fuzzRequest, type Identities } from '../support/fuzz/requests.ts';
import { sendBytes } from '../support/fuzz/send.ts';
import { createHeap } from '../support/measure/heap-growth.ts';
import { atOnce as answerAtOnce } from '../support/time/timers.ts';
import { secretMark } from '../support/fuzz/account-inputs.ts';
import { apiKey, dialects, signingKey } from '../support/app/start-app.ts';

/** The total for both dialects. */
const requests = Number(process.env.FUZZ_REQUESTS ?? 1_000);
const seed = Number(process.env.FUZZ_SEED ?? 20_260_101);
/** Many requests are incomplete, and end only at the request timeout. */
const atOnce = 32;
/**
 * Heap growth per request that is allowed once caches are filled. Measured: 30 to 150 bytes for distinct requests, in caches
 * that are bounded, and up to 1,600 in a process that runs this file first, for code that is compiled late.
 */
const maxGrowthBytes = 1_800;
/** With fewer requests in a block the memory measurement is too noisy. */
const minRequestsPerBlock = 100;
/** An odd number: the median is used, so that a hash table that doubles in one block is ignored. */
const blocks = 3;

const people = { staff: [123, 5, 12, 23], employees: [1, 6, 10, 11] };
const resetPage = 'https://tts.example.org/new-password?step=1&as=staff';
const isResetPage = /^https:\/\/tts\.example\.org\/new-password\?step=1(&token=[\w-]{8,512})?&as=(staff|employee)$/;

const heap = createHeap();
afterAll(() => heap[Symbol.dispose]());
const connectionsOf = (server: Server) => promisify(server.getConnections.bind(server))();

/** 2,000 bytes, in turn as a string, an array and a buffer outside the heap. */
const leaks: Array<() => unknown> = [
  () => randomBytes(1_000).toString('hex'),
  () => Array.from({ length: 250 }, (_, index) => index),
  () => Buffer.alloc(2_000),
];

it('the heap measurement detects a leak of 2 kB per request', async () => {
  const kept: unknown[] = [];
  const growthOf = (keep: (value: unknown) => unknown, blockCount: number) =>
    heap.growthOf({
      from: 0,
      times: blockCount * minRequestsPerBlock,
      blocks: blockCount,
      work: async (from, to) => {
        for (let request = from; request < to; request += 1) keep(leaks[request % leaks.length]?.());
      },
    });
  expect(await growthOf(() => null, 1)).toBeLessThan(maxGrowthBytes);
  // Several, because garbage of earlier test files that is freed in one of them hides the leak there.
  expect(await growthOf((value) => kept.push(value), blocks)).toBeGreaterThan(maxGrowthBytes);
});

describe.each(dialects)('the BFF in front of the %s dialect', (dialect) => {
  it(`answers ${requests / dialects.length} random requests without a fault or a memory leak`, {
    timeout: 300_000 + requests * 100,
  }, async () => {
    await using authService = await startAuthService({
      dialect,
      signingKey,
      apiKey,
      allowedHosts: ['bff.example.org'],
    });
    const config = loadConfig({
      DJANGO_JWT_SIGNING_KEY: signingKey,
      AUTH_API_KEY: apiKey,
      AUTH_SERVICE_URL: authService.url,
      PORT: '0',
      LOG_LEVEL: 'debug',
      RATE_LIMIT_PER_MINUTE: '0',
      TRUST_PROXY: 'true',
      CORS_ORIGINS: 'https://tts.example.org',
      PUBLIC_URL: 'https://bff.example.org',
      PASSWORD_RESET_URL: 'https://tts.example.org/new-password?step=1',
    });
    const faults: string[] = [];
    const secrets = new RegExp(`${signingKey}|${apiKey}|staff-pass-1|${secretMark}|eyJ[\\w-]+\\.[\\w-]+\\.[\\w-]+`);
    const destination = {
      write: (line: string) => {
        if (secrets.test(line) || /(?:\\n\s+| {5})at |"reason":"internal"|"internal"\]/.test(line))
          faults.push(`It logged ${line}`);
      },
    };
    await using app = await createApp({
      config,
      log: createLog({ ...config, destination }),
      idleGraceMs: 0,
      startAnswerTimer: answerAtOnce,
      isOverloaded: () => false,
      createDeadline: () => new AbortController().signal,
      timeouts: { headMs: 300, requestMs: 300, checkEveryMs: 20, idleMs: 20 },
    });
    const url = await app.listen();

    let signIns = 0;
    const signIn = async (): Promise<Identities> => {
      // Each person has limits of their own.
      const [staffIds, employeeIds] = [people.staff, people.employees];
      const staff = await authService.issue({ type: 'staff', id: staffIds[signIns % staffIds.length] ?? 123 });
      const employee = await authService.issue({
        type: 'employee',
        id: employeeIds[signIns % employeeIds.length] ?? 1,
      });
      signIns += 1;
      return {
        cookies: [
          `access_token=${staff.access}`,
          `access_token=${staff.access}; refresh_token=${staff.refresh}`,
          `access_token=${employee.access}; refresh_token=${employee.refresh}`,
          `refresh_token=${staff.refresh}`,
          `access_token=${staff.access}; access_token=${employee.access}`,
          'access_token=; refresh_token=""',
          '=;;=; __proto__=1; access_token',
        ],
        tokens: [staff.access, employee.access, staff.refresh, 'e30.e30.e30', '', 'a b'],
      };
    };
    let identities = await signIn();

    const statuses = new Map<string, number>();
    const sendOne = async (index: number, toRequest = fuzzRequest) => {
      // Some of the random requests sign people out.
      if (index % 50 === 0) identities = await signIn();
      const bytes = toRequest(createRandom(seed + index), identities);
      const answer = await sendBytes(url, bytes);
      const status = answer.slice(9, 12);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      // A profile shows what was typed into the wrong field, such as a password as the username.
      const isProfile = status === '200' && answer.includes('"secondFactor":');
      const shown = answer.replaceAll(/^set-cookie:.*$/gim, '').replaceAll(isProfile ? secretMark : /(?!)/g, '');
      const location = /^location: (.*?)\r?$/im.exec(answer)?.[1] ?? resetPage;
      const fault = !isResetPage.test(location)
        ? `It leads to ${location}.`
        : secrets.test(shown)
          ? 'The response contains a secret.'
          : faultOf(answer);
      if (fault !== null) {
        faults.push(
          `${fault}\nFUZZ_SEED=${seed + index} FUZZ_REQUESTS=2 (${JSON.stringify(bytes.toString('latin1').slice(0, 2_000))})\n${answer.slice(0, 500)}`,
        );
      }
    };
    const share = Math.floor(requests / dialects.length);
    const sendRange = async (from: number, to: number) => {
      let next = from;
      const worker = async () => {
        while (next < to) await sendOne(next++);
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
      authService.resetCalls();
      // Memory of open connections is not a leak.
      await vi.waitUntil(async () => (await connectionsOf(app.server.server)) === 0, { timeout: 60_000, interval: 5 });
    };

    // Rare requests first: their code must not be compiled in a block that is measured.
    for (const toRequest of [accountRequest, pictureRequest, resetLinkRequest])
      for (let index = 0; index < 25; index += 1) await sendOne(index, toRequest);
    // After the warm-up, caches are filled and all code has run once.
    const isEnough = share >= (blocks + 1) * minRequestsPerBlock;
    const warmUp = isEnough ? Math.min(Math.floor(share / 2), share - blocks * minRequestsPerBlock) : share;
    await sendRange(0, warmUp);
    const grownBytes = isEnough
      ? await heap.growthOf({ from: warmUp, times: share - warmUp, blocks, work: sendRange })
      : await sendRange(warmUp, share).then(() => null);
    process.stdout.write(
      `${dialect}: ${share} requests from seed ${seed}, ${JSON.stringify(Object.fromEntries(statuses))}, ${grownBytes?.toFixed(0) ?? 'unknown'} bytes a request stay\n`,
    );
    expect(faults.slice(0, 5)).toEqual([]);
    // Most requests are rejected. Some must succeed, otherwise no procedure was reached.
    for (const status of ['200', '207', '400', '401', '403', '404', '413'])
      expect([...statuses.keys()]).toContain(status);
    expect(grownBytes ?? 0).toBeLessThan(maxGrowthBytes);
  });
});
