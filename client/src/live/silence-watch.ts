import type { Clock } from '../clock.ts';
import type { LiveEventSource } from './event-source.ts';

/** Three heartbeats of the BFF. */
const maxSilenceMs = 45_000;

/**
 * Notices a connection that broke without notice, as behind a proxy or after a computer slept. Counts from the first heartbeat:
 * a server that sends none is never silent.
 */
export const createSilenceWatch = ({ clock, onSilence }: { clock: Clock; onSilence: (ms: number) => void }) => {
  let timer: unknown = null;
  let watched: LiveEventSource | null = null;

  const stop = () => {
    if (timer !== null) clock.clearTimeout(timer);
    timer = null;
    watched = null;
  };

  return {
    start(source: LiveEventSource | undefined): void {
      stop();
      if (source === undefined) return;
      watched = source;
      const restart = () => {
        if (source !== watched) return;
        if (timer !== null) clock.clearTimeout(timer);
        timer = clock.setTimeout(() => onSilence(maxSilenceMs), maxSilenceMs);
      };
      source.addEventListener('ping', restart);
      source.addEventListener('message', () => {
        if (timer !== null) restart();
      });
    },
    stop,
  };
};
