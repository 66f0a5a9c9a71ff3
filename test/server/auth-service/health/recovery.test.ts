import { expect, it, vi } from 'vitest';
import { createRecovery } from '../../../../server/src/auth-service/health/recovery.ts';

it('tells of the return, also where a call that was answered meanwhile has marked the service up', async () => {
  let isThere = false;
  let isDown = false;
  const onBack = vi.fn<() => void>();
  const recovery = createRecovery({
    probe: () => (isThere ? Promise.resolve() : Promise.reject(new Error('down'))),
    isDown: () => isDown,
    onDown: () => {
      isDown = true;
    },
    onBack,
    everyMs: 1,
  });
  recovery.suspect();
  await expect.poll(() => isDown).toBe(true);
  isDown = false;
  isThere = true;
  await expect.poll(() => onBack.mock.calls.length).toBe(1);
  recovery.close();
});

it('says nothing of a service that was never down', async () => {
  const onBack = vi.fn<() => void>();
  const probe = vi.fn<() => Promise<void>>().mockResolvedValue();
  const recovery = createRecovery({ probe, isDown: () => false, onDown: () => {}, onBack });
  recovery.suspect();
  await expect.poll(() => probe.mock.calls.length).toBe(1);
  expect(onBack).not.toHaveBeenCalled();
});
