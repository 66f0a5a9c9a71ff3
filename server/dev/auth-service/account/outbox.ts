export type Mail = {
  /** Milliseconds since the epoch. */
  at: number;
  to: string;
  subject: string;
  text: string;
};

export type OutboxOptions = {
  now: () => number;
  /** Receives a line about each mail that a developer needs. */
  log: (line: string) => void;
};

const maxMails = 200;

/** Keeps the mails that the service would send. */
export const createOutbox = ({ now, log }: OutboxOptions) => {
  const mails: Mail[] = [];
  const all: readonly Mail[] = mails;
  return {
    all,
    /** `line`: what the log says about the mail. Default: nothing. */
    send({ line, ...mail }: Omit<Mail, 'at'> & { line?: string }): void {
      mails.push({ at: now(), ...mail });
      if (mails.length > maxMails) mails.shift();
      if (line !== undefined) log(line);
    },
  };
};

export type Outbox = ReturnType<typeof createOutbox>;
