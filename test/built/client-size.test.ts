import { expect, it } from 'vitest';
import { measureClientSize } from '../bench/work/client-size.ts';

it('costs a page at most 3.5 kB gzipped beyond tRPC with superjson', async () => {
  const { more } = await measureClientSize(() => {});
  expect(more.gzipped).toBeLessThanOrEqual(3_500);
});
