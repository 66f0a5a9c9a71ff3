const headEnd = Buffer.from('\r\n\r\n');
/** Behind `HTTP/1.1 `. */
const statusAt = 9;
/** As the servers here write it: to look for it in bytes costs less than to make a text of each head. */
const lengthNames = ['content-length: ', 'Content-Length: '].map((name) => Buffer.from(`\r\n${name}`));

/** The number that begins in the bytes there. */
const numberAt = (bytes: Buffer, from: number): number => {
  let number = 0;
  for (let at = from; ; at += 1) {
    const digit = (bytes[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) return number;
    number = number * 10 + digit;
  }
};

/** Of the body, where the head says it so. */
const bodyLength = (bytes: Buffer, headLength: number): number | null => {
  for (const name of lengthNames) {
    const at = bytes.indexOf(name);
    if (at >= 0 && at < headLength) return numberAt(bytes, at + name.length);
  }
  return null;
};

/** Reads answers of HTTP/1.1 off a connection, one after the other, as much of them as it takes to know where they end. */
export const createResponseReader = (onResponse: (status: number, bytes: number) => void) => {
  let held: Buffer = Buffer.alloc(0);

  /** How long the answer at the beginning of what is held is; null where its end is not there yet. */
  const lengthOf = (): number | null => {
    const at = held.indexOf(headEnd);
    if (at < 0) return null;
    const bodyAt = at + headEnd.length;
    const length = bodyLength(held, at);
    if (length !== null) return bodyAt + length <= held.length ? bodyAt + length : null;
    const head = held.toString('latin1', 0, at).toLowerCase();
    if (!head.includes('\r\ntransfer-encoding: chunked')) return bodyAt;
    for (let chunkAt = bodyAt; ; ) {
      const lineEnd = held.indexOf('\r\n', chunkAt);
      if (lineEnd < 0) return null;
      const size = Number.parseInt(held.toString('latin1', chunkAt, lineEnd), 16);
      chunkAt = lineEnd + 2 + size + 2;
      if (chunkAt > held.length) return null;
      if (size === 0) return chunkAt;
    }
  };

  return (chunk: Buffer): void => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    for (let length = lengthOf(); length !== null && held.length > 0; length = lengthOf()) {
      const status = numberAt(held, statusAt);
      held = held.subarray(length);
      onResponse(status, length);
    }
  };
};
