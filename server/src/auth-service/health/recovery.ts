import { isAppError } from '../../errors.ts';
import { endpoints } from '../endpoints.ts';
import { statusToError } from '../response-errors.ts';
import { isRateLimited, type Transport } from '../transport.ts';

export type ProbeOptions = { transport: Pick<Transport, 'request'>; now: () => number };

/**
 * Calls the service without a token and past the breakers. Throws if there is no response, or for a 5xx. A 429 counts as
 * healthy.
 */
export const createProbe =
  ({ transport, now }: ProbeOptions) =>
  async (): Promise<void> => {
    const response = await transport.request(endpoints.validateStaff);
    const error = statusToError(endpoints.validateStaff, response, now());
    if (isAppError(error, 'auth_service_unavailable') && !isRateLimited(response)) throw error;
  };

export type RecoveryOptions = {
  /** Rejects while the service is down. */
  probe: () => Promise<void>;
  isDown: () => boolean;
  /** A probe has failed. */
  onDown: () => void;
  /** The service was down and responds again. */
  onRecovered: () => void;
  /** Milliseconds between probes while the service is down. Default 5,000. */
  everyMs?: number | undefined;
};

/** Probes a service that is down. Open breakers alone would notice its return late, because their waits grow. */
export const createRecovery = ({ probe, isDown, onDown, onRecovered, everyMs = 5_000 }: RecoveryOptions) => {
  let timer: NodeJS.Timeout | null = null;
  let isProbing = false;
  let isClosed = false;
  /** Kept here, because a successful call may mark the service as up before the next probe. */
  let hasProbeFailed = false;

  const check = async (): Promise<void> => {
    const wasDown = hasProbeFailed || isDown();
    isProbing = true;
    try {
      await probe();
      hasProbeFailed = false;
      if (wasDown) onRecovered();
    } catch {
      hasProbeFailed = true;
      onDown();
      if (!isClosed) timer = setTimeout(onTimer, everyMs).unref();
    } finally {
      isProbing = false;
    }
  };
  const onTimer = () => {
    timer = null;
    void check();
  };

  return {
    /** Call after a failure. Probes the service, and repeats that until it responds. */
    start(): void {
      if (timer === null && !isProbing && !isClosed) void check();
    },
    close(): void {
      isClosed = true;
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
};
