const headEnd = Buffer.from('\r\n\r\n');

/** Reads answers of HTTP/1.1 off a connection, one after the other, as much of them as it takes to know where they end. */
export const createAnswerReader = (onAnswer: (status: number, bytes: number) => void) => {
  let held: Buffer = Buffer.alloc(0);

  /** How long the answer at the beginning of what is held is; null where its end is not there yet. */
  const lengthOf = (): number | null => {
    const at = held.indexOf(headEnd);
    if (at < 0) return null;
    const head = held.toString('latin1', 0, at).toLowerCase();
    const bodyAt = at + headEnd.length;
    const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1];
    if (length !== undefined) return bodyAt + Number(length) <= held.length ? bodyAt + Number(length) : null;
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
      const status = Number(held.toString('latin1', 9, 12));
      held = held.subarray(length);
      onAnswer(status, length);
    }
  };
};
