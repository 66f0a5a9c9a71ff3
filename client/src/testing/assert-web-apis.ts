const needed = ['Response', 'Request', 'Headers', 'TextEncoder'] as const;

/** Throws if the environment lacks what the test BFF needs, as jsdom in Jest does: its calls would fail as in an outage. */
export const assertWebApis = (): void => {
  const missing = needed.filter((name) => globalThis[name] === undefined);
  if (missing.length === 0) return;
  throw new Error(
    `createTestBff needs ${missing.join(', ')}, which this environment lacks. See docs/frontends/testing.md, With Jest.`,
  );
};
