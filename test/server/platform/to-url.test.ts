import { expect, it } from 'vitest';
import { parseCorsOrigins } from '../../../server/src/config/cors-origins.ts';
import { toUrl } from '../../../server/src/platform/to-url.ts';

it('reads an address with letters beyond ASCII, however often it is read', () => {
  const times = 20_000;
  let read = 0;
  for (let time = 0; time < times; time += 1)
    read += toUrl('https://bücher.example')?.host === 'xn--bcher-kva.example' ? 1 : 0;
  expect(read).toBe(times);
  expect(parseCorsOrigins('https://bücher.example')).toEqual({ fault: expect.stringContaining('xn--') });
});

it('reads nothing that is no address', () => {
  expect([toUrl('/a'), toUrl('http://'), toUrl('http://a:99999')]).toEqual([null, null, null]);
  expect(toUrl('/a', 'http://any')?.href).toBe('http://any/a');
});
