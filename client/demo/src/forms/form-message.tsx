import type { Wait } from './use-wait.ts';

type FormMessageProps = {
  /** Why the form failed. Empty: it did not. */
  error: string;
  /** A wait that follows `error`. */
  wait?: Wait;
  success?: string;
  id?: string;
};

const toText = (seconds: number): string => (seconds > 90 ? `${Math.ceil(seconds / 60)} min` : `${seconds} s`);

const TryAgain = ({ seconds }: { seconds: number }) =>
  seconds === 0 ? (
    ' You can try again now.'
  ) : (
    <>
      {' Try again in '}
      {/* Each second read aloud would be a nuisance. */}
      <span aria-live="off">{toText(seconds)}</span>.
    </>
  );

/** The result of a form, read aloud. Both regions are always in the page, because some readers ignore a new one. */
export const FormMessage = ({ error, wait, success = '', id }: FormMessageProps) => (
  <>
    <p className="message field-error" id={id} role="alert">
      {error}
      {error === '' || wait === undefined || wait.error === null ? null : <TryAgain seconds={wait.seconds} />}
    </p>
    <p className="message field-success" role="status">
      {success}
    </p>
  </>
);
