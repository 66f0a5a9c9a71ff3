import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { OpenEvents } from '../../support/sse/open-events.ts';
import { type Live, startLive, technicians } from '../../support/sse/start-live.ts';

const ignored = new Set(['date', 'x-request-id', 'connection', 'keep-alive', 'transfer-encoding']);
const headersOf = ({ headers }: OpenEvents) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !ignored.has(name)));
/** The wait of an `overloaded` client is ours. Times and ids of turns differ. */
const comparable = (text: string) =>
  text
    .replace(/^retry: \d+\n\n/m, '')
    .replaceAll(/"at":"[^"]+"/g, '"at":""')
    .replaceAll(/^id: \d+-\d+$/gm, 'id: 0-0');

type Case = (live: Live, session: Awaited<ReturnType<Live['signIn']>>) => Promise<OpenEvents>;
const signOut: Case = async (_live, { browser, onEnd }) => {
  const stream = await onEnd({ headers: { 'last-event-id': '7' } });
  await vi.waitFor(() => expect(stream.events()).toHaveLength(1));
  await browser.trpc.session.logout.mutate();
  return stream;
};

describe('the answer to a subscription is that of the adapter of tRPC, byte for byte', () => {
  let pair: [Live, Live];
  beforeAll(async () => {
    const options = { liveLimits: { perCaller: 3 }, env: { CORS_ORIGINS: 'https://desk.example.org' } };
    pair = [await startLive(options), await startLive({ ...options, officialAdapter: true })];
  });
  afterAll(async () => {
    for (const live of pair) await live[Symbol.asyncDispose]();
  });

  it.each<[string, Case]>([
    ['without a session', (live) => live.anonymous.onTurn()],
    ['without an input', (_live, { open }) => open('assignments.onTurn', undefined)],
    [
      'with the id of an event and no input',
      (_live, { open }) => open('assignments.onTurn', undefined, { headers: { 'last-event-id': '1' } }),
    ],
    ['with an invalid input', (_live, { open }) => open('assignments.onTurn', { system: '', role: 5 })],
    [
      'with an input that is no JSON',
      (_live, { open }) => open('assignments.onTurn', undefined, { query: { input: '{' } }),
    ],
    [
      'with an id that cannot be sent back',
      (_live, { onTurn }) => onTurn({ query: { lastEventId: 'x\n'.repeat(40) } }),
    ],
    ['to a system of other people', async (live) => (await live.signIn({ type: 'staff', id: 4 })).onTurn()],
    ['whose session ends', signOut],
    [
      'of an allowed origin',
      (_live, { open }) => open('assignments.onTurn', null, { headers: { origin: 'https://desk.example.org' } }),
    ],
    [
      'with turns, after whose last the session ends',
      async (_live, { browser, onTurn }) => {
        const stream = await onTurn({ query: { lastEventId: '0-0' } });
        await vi.waitFor(() => expect(stream.events()).toHaveLength(1));
        for (const key of ['T-1', 'T-2 "é😀\u2028'])
          await browser.trpc.assignments.next.mutate({ ...technicians, key });
        await vi.waitFor(() => expect(stream.data()).toHaveLength(2));
        await browser.trpc.session.logout.mutate();
        return stream;
      },
    ],
    [
      'above the limit',
      async (live, { onEnd }) => {
        const open = await Promise.all([onEnd(), onEnd(), onEnd()]);
        await live.isOpen(...open);
        return onEnd();
      },
    ],
  ])('%s', async (_name, run) => {
    const answers = [];
    for (const live of pair) {
      using stream = await run(live, await live.signIn());
      await vi.waitFor(() => expect(stream.isEnded()).toBe(true));
      answers.push({ status: stream.status, headers: headersOf(stream), text: comparable(stream.text()) });
    }
    expect(answers[0]?.text).toContain('event: connected');
    expect(answers[0]).toEqual(answers[1]);
  });

  it('where the process stops: neither an error nor a regular end', async () => {
    const streams = await Promise.all(
      pair.map(async (live) => (await live.signIn({ type: 'employee', id: 1 })).onEnd()),
    );
    for (const [index, live] of pair.entries()) await live.isOpen(...streams.slice(index, index + 1));
    await Promise.all(pair.map(({ app }) => app.app.close()));
    for (const stream of streams) {
      await vi.waitFor(() => expect(stream.isEnded()).toBe(true));
      expect(stream.events().map(({ event }) => event)).toEqual(['connected']);
    }
  });
});
