import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readTokenInput } from '../../../server/src/doctor/token-input.ts';

const read = (stream: Readable & { isTTY?: boolean }, deadlineMs = 5_000) => readTokenInput({ stream, deadlineMs });

describe('a token on standard input', () => {
  it('may come in pieces, with white space around it', async () => {
    const stream = Readable.from([Buffer.from('\n eyJ'), Buffer.from('0.a.b \r'), Buffer.from('\n')]);
    expect(await read(stream)).toEqual({ state: 'given', token: 'eyJ0.a.b' });
  });

  it('is not waited for at a terminal', async () => {
    const terminal = Object.assign(new PassThrough(), { isTTY: true });
    expect(await read(terminal)).toMatchObject({ state: 'unreadable', says: expect.stringContaining('is a terminal') });
  });

  it('is given up where it does not end, also where some of it came', async () => {
    const stream = new PassThrough();
    stream.write('eyJ0.a.b');
    const says = 'standard input could not be read to its end within 0.05 s';
    expect(await read(stream, 50)).toMatchObject({ state: 'unreadable', says });
    expect(stream.destroyed).toBe(true);
  });

  it('is not read beyond what a token may have', async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield 'x'.repeat(10_000);
      })(),
    );
    expect(await read(endless)).toMatchObject({ says: 'standard input has more than 65536 characters' });
  });
});
