import { afterEach, describe, expect, it, vi } from 'vitest';
import { createTestBff } from '../../../client/src/testing.ts';

afterEach(() => vi.unstubAllGlobals());

describe('createTestBff in an environment without web APIs', () => {
  it.each(['Response', 'Request', 'Headers', 'TextEncoder'])('throws at once without %s, and names it', (name) => {
    vi.stubGlobal(name, undefined);
    expect(() => createTestBff()).toThrow(
      `createTestBff needs ${name}, which this environment lacks. See docs/frontends/testing.md, With Jest.`,
    );
  });

  it('names all that are missing, as with jsdom in Jest', () => {
    for (const name of ['TextEncoder', 'Response', 'Request']) vi.stubGlobal(name, undefined);
    expect(() => createTestBff()).toThrow('createTestBff needs Response, Request, TextEncoder, which');
  });
});
