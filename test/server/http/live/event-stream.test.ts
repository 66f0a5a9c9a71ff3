import { get, type IncomingMessage } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { createEventStreams } from '../../../../server/src/http/live/event-stream.ts';
import { serve } from '../../../support/app/serve.ts';

const text = `data: ${'x'.repeat(50_000)}\n\n`;

/** A server whose stream never ends, and a client of it that the test lets read. */
const startEndless = async () => {
  let nowMs = 0;
  let task = () => {};
  let texts = 0;
  const onUnread = vi.fn<() => void>();
  const stop = vi.fn<() => void>();
  const createEventStream = createEventStreams({
    limits: { pingMs: 15_000, unreadMs: 60_000 },
    sweep: {
      add(added) {
        task = added;
        return stop;
      },
    },
    monotonicNow: () => nowMs,
  });
  const endless = async function* () {
    for (;;) {
      texts += 1;
      yield text;
      await nextTurn();
    }
  };
  const server = await serve((_request, response) => {
    const stream = createEventStream({ response, texts: endless(), onUnread });
    response.on('close', () => stream.destroy());
    stream.pipe(response);
  });
  const response = await new Promise<IncomingMessage>((resolve) => get(server.url, { agent: false }, resolve));
  response.on('error', () => {});
  return {
    response,
    onUnread,
    stop,
    texts: () => texts,
    pass(ms: number): void {
      nowMs += ms;
      task();
    },
    /** Resolves once the buffers between both sides are full. */
    async isFull(): Promise<void> {
      let before = -1;
      while (before !== texts) {
        before = texts;
        for (let turn = 0; turn < 200; turn += 1) await nextTurn();
      }
    },
    async [Symbol.asyncDispose]() {
      response.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
};

it('a client that reads nothing is reported after 60 s, and no more events are read for it', async () => {
  await using test = await startEndless();
  await test.isFull();
  const read = test.texts();
  // The buffers of the kernel hold some megabytes.
  expect(read).toBeLessThan(400);
  test.pass(0);
  test.pass(59_000);
  expect(test.onUnread).not.toHaveBeenCalled();
  test.pass(1_000);
  expect(test.onUnread).toHaveBeenCalledOnce();
  await test.isFull();
  expect(test.texts()).toBe(read);
});

it('a slow client that goes on reading keeps its stream', async () => {
  await using test = await startEndless();
  await test.isFull();
  test.pass(0);
  test.pass(59_000);
  const read = test.texts();
  test.response.resume();
  await vi.waitFor(() => expect(test.texts()).toBeGreaterThan(read + 400));
  test.response.pause();
  await test.isFull();
  test.pass(1_000);
  test.pass(59_000);
  expect(test.onUnread).not.toHaveBeenCalled();
});

it('a client that leaves ends the checks of its stream', async () => {
  await using test = await startEndless();
  await test.isFull();
  test.response.destroy();
  await vi.waitFor(() => expect(test.stop).toHaveBeenCalledOnce());
});
