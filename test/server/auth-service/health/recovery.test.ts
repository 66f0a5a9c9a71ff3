import { expect, it, vi } from 'vitest';
import { createRecovery } from '../../../../server/src/auth-service/health/recovery.ts';

it('createRecovery calls onRecovered after an outage, even if a successful call has marked the service as up before', async () => {
  let isThere = false;
  let isDown = false;
  const onRecovered = vi.fn<() => void>();
  const recovery = createRecovery({
    probe: () => (isThere ? Promise.resolve() : Promise.reject(new Error('down'))),
    isDown: () => isDown,
    onDown: () => {
      isDown = true;
    },
    onRecovered,
    everyMs: 1,
  });
  recovery.start();
  await expect.poll(() => isDown).toBe(true);
  isDown = false;
  isThere = true;
  await expect.poll(() => onRecovered.mock.calls.length).toBe(1);
  recovery.close();
});

it('createRecovery does not call onRecovered if the service was never down', async () => {
  const onRecovered = vi.fn<() => void>();
  const probe = vi.fn<() => Promise<void>>().mockResolvedValue();
  const recovery = createRecovery({ probe, isDown: () => false, onDown: () => {}, onRecovered });
  recovery.start();
  await expect.poll(() => probe.mock.calls.length).toBe(1);
  expect(onRecovered).not.toHaveBeenCalled();
});
