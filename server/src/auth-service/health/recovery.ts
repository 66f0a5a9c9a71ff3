export type RecoveryOptions = {
  /** Rejects while the service is down. */
  probe: () => Promise<void>;
  isDown: () => boolean;
  /** The service does not answer. */
  onDown: () => void;
  /** The service was down and answers again. */
  onBack: () => void;
  /** Milliseconds between two looks while it is down. Default 5,000. */
  everyMs?: number | undefined;
};

/**
 * Looks after a service that is down, so that it is asked again soon after its return: breakers that wait longer
 * each time would find out late.
 */
export const createRecovery = ({ probe, isDown, onDown, onBack, everyMs = 5_000 }: RecoveryOptions) => {
  let timer: NodeJS.Timeout | null = null;
  let isLooking = false;
  let isClosed = false;
  /** Whether a look has found it down. A call that is answered meanwhile marks it up, and tells nobody else. */
  let hasFoundDown = false;

  const look = async (): Promise<void> => {
    const wasDown = hasFoundDown || isDown();
    isLooking = true;
    try {
      await probe();
      hasFoundDown = false;
      if (wasDown) onBack();
    } catch {
      hasFoundDown = true;
      onDown();
      if (!isClosed) timer = setTimeout(onTimer, everyMs).unref();
    } finally {
      isLooking = false;
    }
  };
  const onTimer = () => {
    timer = null;
    void look();
  };

  return {
    /** Something failed: looks whether it is the service, and goes on looking while it is. */
    suspect(): void {
      if (timer === null && !isLooking && !isClosed) void look();
    },
    close(): void {
      isClosed = true;
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
};
