import type { Readable } from 'node:stream';

/** More than any token has. */
const maxBytes = 65_536;

/** `none`: nobody promised one. `unreadable`: one was promised, and did not come. */
export type TokenInput =
  | { state: 'none' }
  | { state: 'given'; token: string }
  | { state: 'unreadable'; says: string; todo: string };

export type ReadTokenInputOptions = {
  stream: Readable & { isTTY?: boolean };
  /** How long the end of the stream is waited for. */
  deadlineMs: number;
};

const unreadable = (says: string): TokenInput => ({
  state: 'unreadable',
  says,
  todo: 'Pipe in the access token alone: printf %s "$TOKEN" | auth-bff doctor --token -',
});

/** Reads a token from a stream, to its end. Never rejects, and never waits for somebody to type. */
export const readTokenInput = async ({ stream, deadlineMs }: ReadTokenInputOptions): Promise<TokenInput> => {
  if (stream.isTTY === true) return unreadable('standard input is a terminal, where nothing is waited for');
  const timer = setTimeout(() => stream.destroy(new Error('late')), deadlineMs);
  let text = '';
  try {
    for await (const chunk of stream) {
      text += String(chunk);
      if (text.length > maxBytes) return unreadable(`standard input has more than ${maxBytes} characters`);
    }
  } catch {
    return unreadable(`standard input could not be read to its end within ${deadlineMs / 1000} s`);
  } finally {
    clearTimeout(timer);
    stream.destroy();
  }
  const token = text.trim();
  return token === '' ? unreadable('standard input is empty') : { state: 'given', token };
};
