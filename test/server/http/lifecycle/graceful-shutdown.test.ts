import { expect, it, vi } from 'vitest';
import { createStop } from '../../../../server/src/http/lifecycle/graceful-shutdown.ts';
import { createLog } from '../../../../server/src/platform/log.ts';

const startStop = (close: () => Promise<{ served: number; cut: number }>, withinMs = 60_000) => {
  const lines: string[] = [];
  const log = createLog({ logLevel: 'info', destination: { write: (line) => void lines.push(line) } });
  const closes = vi.fn<typeof close>(close);
  let exit: (code: number) => void = () => {};
  const exited = new Promise<number>((resolve) => {
    exit = resolve;
  });
  const exits = vi.fn<(code: number) => void>(exit);
  return { lines, closes, exits, exited, stop: createStop({ close: closes, log, exit: exits, withinMs }) };
};

it('closes once and exits with 0, however many signals come', async () => {
  const { stop, closes, exits, lines } = startStop(async () => ({ served: 3, cut: 1 }));
  expect(stop.isStopping()).toBe(false);
  await Promise.all([stop.stop('SIGTERM'), stop.stop('SIGTERM'), stop.stop('SIGINT')]);
  expect(stop.isStopping()).toBe(true);
  expect(closes).toHaveBeenCalledOnce();
  expect(exits.mock.calls).toEqual([[0]]);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { msg: 'Stopping.', signal: 'SIGTERM' },
    { msg: 'Stopped.', served: 3, cut: 1 },
  ]);
});

it('exits with 0 although something hangs', async () => {
  const { stop, exited, lines } = startStop(() => new Promise(() => {}), 20);
  void stop.stop('SIGTERM');
  expect(await exited).toBe(0);
  expect(lines.at(-1)).toContain('something hangs');
});

it('exits with 0 although something fails', async () => {
  const { stop, exited, lines } = startStop(() => Promise.reject(new Error('no')));
  void stop.stop('SIGTERM');
  expect(await exited).toBe(0);
  expect(lines.at(-1)).toContain('Error: no');
});
