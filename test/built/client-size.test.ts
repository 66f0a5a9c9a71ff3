import { expect, it } from 'vitest';
import { measureClientSize } from '../bench/workloads/client-size.ts';

it('costs a page at most 5.5 kB gzipped beyond tRPC with superjson', async () => {
  const { more } = await measureClientSize(() => {});
  expect(more.gzipped).toBeLessThanOrEqual(5_632);
});
