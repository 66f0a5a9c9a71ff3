import { expect, it } from 'vitest';
import { toBuffer, toByteText } from '../../../server/src/platform/byte-text.ts';

it.each(['', 'text', '\u0000\u007f', 'Peña', 'ÿ\u0080', 'Nguyễn', '😀', '\ud800'])(
  'the text of bytes has one character for each byte of UTF-8 of %j',
  (text) => {
    const bytes = Buffer.from(text);
    expect(toByteText(text)).toBe(String.fromCharCode(...bytes));
    expect(toBuffer(toByteText(text))).toEqual(bytes);
  },
);

it('bytes stay as they are', () => {
  const bytes = Buffer.from('Nguyễn');
  expect(toBuffer(bytes)).toBe(bytes);
});
