import { expect, it, vi } from 'vitest';
import { createGracefulShutdown } from '../../../../server/src/http/lifecycle/graceful-shutdown.ts';
import { createLog } from '../../../../server/src/platform/log.ts';

const start = (close: (signal: string | null) => Promise<{ served: number; cut: number }>, timeoutMs = 60_000) => {
  const lines: string[] = [];
  const log = createLog({ logLevel: 'info', destination: { write: (line) => void lines.push(line) } });
  const closes = vi.fn<typeof close>(close);
  let exit: (code: number) => void = () => {};
  const exited = new Promise<number>((resolve) => {
    exit = resolve;
  });
  const exits = vi.fn<(code: number) => void>(exit);
  const shutdown = createGracefulShutdown({ close: closes, log, exit: exits, timeoutMs });
  return { lines, closes, exits, exited, shutdown };
};

const served = async () => ({ served: 3, cut: 1 });
const parsed = (lines: string[]) => lines.map((line) => JSON.parse(line) as unknown);

it('The shutdown closes once and exits with 0, however many signals arrive', async () => {
  const { shutdown, closes, exits, lines } = start(served);
  expect(shutdown.hasBegun()).toBe(false);
  await Promise.all([shutdown.onSignal('SIGTERM'), shutdown.onSignal('SIGTERM'), shutdown.onSignal('SIGINT')]);
  expect(shutdown.hasBegun()).toBe(true);
  expect(closes.mock.calls).toEqual([['SIGTERM']]);
  expect(exits.mock.calls).toEqual([[0]]);
  expect(parsed(lines)).toMatchObject([
    { msg: 'Stopping.', signal: 'SIGTERM' },
    { msg: 'Stopped.', served: 3, cut: 1 },
  ]);
});

it('The shutdown exits with 0 after its timeout if closing hangs', async () => {
  const { shutdown, exited, lines } = start(() => new Promise(() => {}), 20);
  void shutdown.onSignal('SIGTERM');
  expect(await exited).toBe(0);
  expect(lines.at(-1)).toContain('closing timed out');
});

it('The shutdown exits with 0 if closing fails', async () => {
  const { shutdown, exited, lines } = start(() => Promise.reject(new Error('no')));
  void shutdown.onSignal('SIGTERM');
  expect(await exited).toBe(0);
  expect(lines.at(-1)).toContain('Error: no');
});

it('After an uncaught error the shutdown logs it without tokens, closes once and exits with 1', async () => {
  const { shutdown, closes, exits, lines } = start(served);
  const error = new Error('access_token=secret-value', { cause: new Error('inner') });
  await Promise.all([shutdown.onCrash(error, 'unhandledRejection'), shutdown.onCrash('again', 'uncaughtException')]);
  expect(closes.mock.calls).toEqual([[null]]);
  expect(exits.mock.calls).toEqual([[1]]);
  expect(parsed(lines)).toMatchObject([
    { level: 60, origin: 'unhandledRejection', causes: ['Error: access_token=[hidden]', 'Error: inner'] },
    { level: 60, origin: 'uncaughtException', causes: ['again'] },
    { msg: 'Stopped.', served: 3, cut: 1 },
  ]);
});

it('An uncaught error during a shutdown by signal makes the exit code 1', async () => {
  let finish = () => {};
  const closing = new Promise<{ served: number; cut: number }>((resolve) => {
    finish = () => resolve({ served: 0, cut: 0 });
  });
  const { shutdown, exits, exited } = start(() => closing);
  void shutdown.onSignal('SIGTERM');
  void shutdown.onCrash(new Error('late'), 'uncaughtException');
  finish();
  expect(await exited).toBe(1);
  expect(exits).toHaveBeenCalledOnce();
});
