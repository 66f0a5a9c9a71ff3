const headEnd = Buffer.from('\r\n\r\n');
/** Offset of the status code, after `HTTP/1.1 `. */
const statusAt = 9;
/** The spellings of the measured servers. Searching bytes is cheaper than decoding each head to text. */
const lengthNames = ['content-length: ', 'Content-Length: '].map((name) => Buffer.from(`\r\n${name}`));

/** Parses the decimal number at an offset. */
const numberAt = (bytes: Buffer, from: number): number => {
  let number = 0;
  for (let at = from; ; at += 1) {
    const digit = (bytes[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) return number;
    number = number * 10 + digit;
  }
};

/** The Content-Length. Null: the head has none. */
const bodyLength = (bytes: Buffer, headLength: number): number | null => {
  for (const name of lengthNames) {
    const at = bytes.indexOf(name);
    if (at >= 0 && at < headLength) return numberAt(bytes, at + name.length);
  }
  return null;
};

/** Parses HTTP/1.1 responses from a connection, only as far as needed to find the status and the end of each. */
export const createResponseReader = (onResponse: (status: number, bytes: number) => void) => {
  let buffered: Buffer = Buffer.alloc(0);

  /** Length of the first buffered response. Null: it is incomplete. */
  const lengthOf = (): number | null => {
    const at = buffered.indexOf(headEnd);
    if (at < 0) return null;
    const bodyAt = at + headEnd.length;
    const length = bodyLength(buffered, at);
    if (length !== null) return bodyAt + length <= buffered.length ? bodyAt + length : null;
    const head = buffered.toString('latin1', 0, at).toLowerCase();
    if (!head.includes('\r\ntransfer-encoding: chunked')) return bodyAt;
    for (let chunkAt = bodyAt; ; ) {
      const lineEnd = buffered.indexOf('\r\n', chunkAt);
      if (lineEnd < 0) return null;
      const size = Number.parseInt(buffered.toString('latin1', chunkAt, lineEnd), 16);
      chunkAt = lineEnd + 2 + size + 2;
      if (chunkAt > buffered.length) return null;
      if (size === 0) return chunkAt;
    }
  };

  return (chunk: Buffer): void => {
    buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
    for (let length = lengthOf(); length !== null && buffered.length > 0; length = lengthOf()) {
      const status = numberAt(buffered, statusAt);
      buffered = buffered.subarray(length);
      onResponse(status, length);
    }
  };
};
