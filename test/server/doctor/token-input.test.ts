import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readTokenInput } from '../../../server/src/doctor/token-input.ts';

const read = (stream: Readable & { isTTY?: boolean }, deadlineMs = 5_000) => readTokenInput({ stream, deadlineMs });

describe('readTokenInput', () => {
  it('accepts several chunks and surrounding white space', async () => {
    const stream = Readable.from([Buffer.from('\n eyJ'), Buffer.from('0.a.b \r'), Buffer.from('\n')]);
    expect(await read(stream)).toEqual({ state: 'given', token: 'eyJ0.a.b' });
  });

  it('does not wait for input from a terminal', async () => {
    const terminal = Object.assign(new PassThrough(), { isTTY: true });
    expect(await read(terminal)).toMatchObject({
      state: 'unreadable',
      message: expect.stringContaining('is a terminal'),
    });
  });

  it('times out if the stream does not end', async () => {
    const stream = new PassThrough();
    stream.write('eyJ0.a.b');
    const message = 'standard input did not end within 0.05 s';
    expect(await read(stream, 50)).toMatchObject({ state: 'unreadable', message });
    expect(stream.destroyed).toBe(true);
  });

  it('stops reading above the maximum length', async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield 'x'.repeat(10_000);
      })(),
    );
    expect(await read(endless)).toMatchObject({ message: 'standard input has more than 65536 characters' });
  });
});
