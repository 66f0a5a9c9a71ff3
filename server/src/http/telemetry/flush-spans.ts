import { trace, type TracerProvider } from '@opentelemetry/api';
import { type StartTimer, startSystemTimer } from '../../platform/start-timer.ts';

/** Longest wait for a collector at the end of the process, in milliseconds. */
const flushTimeoutMs = 2_000;

type SdkProvider = TracerProvider & { forceFlush?: () => Promise<void>; getDelegate?: () => SdkProvider };

/** Has the SDK send the spans that it buffers, which takes at most two seconds. Without an SDK it does nothing. Never rejects. */
export const flushSpans = async ({
  startTimer = startSystemTimer,
}: {
  startTimer?: StartTimer;
} = {}): Promise<void> => {
  const registered: SdkProvider = trace.getTracerProvider();
  const provider = registered.getDelegate?.() ?? registered;
  if (provider.forceFlush === undefined) return;
  let cancel = () => {};
  const timeout = new Promise<void>((resolve) => {
    cancel = startTimer(resolve, flushTimeoutMs);
  });
  await Promise.race([provider.forceFlush().catch(() => {}), timeout]);
  cancel();
};
