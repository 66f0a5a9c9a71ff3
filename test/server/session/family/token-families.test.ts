import { describe, expect, it } from 'vitest';
import { createLineage } from '../../../../server/src/session/family/token-families.ts';
import { type Marks, provenMarks, toMark } from '../../../../server/src/session/family/token-refs.ts';

const nowMs = 1_000;
const markOf = (fingerprint: string) => ({ fingerprint, expiresAtMs: nowMs + 60_000 });
const genuine = provenMarks({ access: markOf('access'), refresh: markOf('refresh') });
const madeUp = (index: number): Marks => ({
  access: toMark(markOf(`made-up access ${index}`), false),
  refresh: toMark(markOf(`made-up refresh ${index}`), false),
});
const start = () => createLineage({ now: () => nowMs, shared: null, maxTokens: 4 });

describe('what a process remembers of sign-outs', () => {
  it('is not pushed out by tokens that nobody has proven', async () => {
    const lineage = start();
    await lineage.begin(genuine);
    await lineage.end(genuine);
    for (let index = 0; index < 50; index += 1) {
      expect(await lineage.end(madeUp(index))).toEqual({ access: false, refresh: false });
      expect(await lineage.replace(madeUp(index))).toEqual({ access: false, refresh: false });
      await lineage.withChain(madeUp(index), async (chain) => lineage.look(chain, madeUp(index)));
    }
    expect(lineage.isEnded(markOf('access'))).toBe(true);
  });

  it('proves the tokens of a session that began here, however they come back', async () => {
    const lineage = start();
    await lineage.begin(genuine);
    const { refresh } = genuine;
    const presented = { access: null, refresh: refresh === null ? null : toMark(refresh, false) };
    expect(await lineage.end(presented)).toEqual({ access: false, refresh: true });
    expect(lineage.isEnded(markOf('access'))).toBe(true);
  });

  it('holds the chain of unproven tokens for as long as they are refreshed, however often at once', async () => {
    const lineage = start();
    const marks = madeUp(1);
    await lineage.withChain(marks, async (first) => {
      await lineage.withChain(marks, async (second) => expect(second).toBe(first));
      await lineage.end(marks);
      expect(first.endedAtMs).toBe(nowMs);
    });
    await lineage.withChain(marks, async ({ endedAtMs }) => expect(endedAtMs).toBeNull());
  });
});
