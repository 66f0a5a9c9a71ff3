import type { Readable } from 'node:stream';

/** Far above the size of any token. */
const maxBytes = 65_536;

/** `none`: no `--token` option. `unreadable`: the option was given, but standard input holds no token. */
export type TokenInput =
  | { state: 'none' }
  | { state: 'given'; token: string }
  | { state: 'unreadable'; message: string; fix: string };

export type ReadTokenInputOptions = {
  stream: Readable & { isTTY?: boolean };
  /** Milliseconds to wait for the end of the stream. */
  deadlineMs: number;
};

const unreadable = (message: string): TokenInput => ({
  state: 'unreadable',
  message,
  fix: 'Pipe in the access token and nothing else: printf %s "$TOKEN" | auth-bff doctor --token -',
});

/** Reads a token from a stream. Never rejects, and never waits for keyboard input. */
export const readTokenInput = async ({ stream, deadlineMs }: ReadTokenInputOptions): Promise<TokenInput> => {
  if (stream.isTTY === true) return unreadable('standard input is a terminal, from which no token is read');
  const timer = setTimeout(() => stream.destroy(new Error('timeout')), deadlineMs);
  let text = '';
  try {
    for await (const chunk of stream) {
      text += String(chunk);
      if (text.length > maxBytes) return unreadable(`standard input has more than ${maxBytes} characters`);
    }
  } catch {
    return unreadable(`standard input did not end within ${deadlineMs / 1000} s`);
  } finally {
    clearTimeout(timer);
    stream.destroy();
  }
  const token = text.trim();
  return token === '' ? unreadable('standard input is empty') : { state: 'given', token };
};
