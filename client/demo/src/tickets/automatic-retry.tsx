import { useCountdown } from '../desk/use-countdown.ts';

type AutomaticRetryProps = {
  /** What is repeated: the start of a sentence, up to the time. */
  words: string;
  /** Milliseconds since the epoch. */
  dueAtMs: number;
  retry: () => void;
};

/** Repeats a call after an outage, and counts the seconds until then. */
export const AutomaticRetry = ({ words, dueAtMs, retry }: AutomaticRetryProps) => {
  const seconds = useCountdown(dueAtMs, retry);
  return (
    <p className="field-error" role="status">
      Under maintenance. {words}
      <span aria-live="off">{seconds > 0 ? ` in ${seconds} s` : ' now'}</span>.
    </p>
  );
};
