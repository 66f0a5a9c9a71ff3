/** A promise that settles when the test releases it, and at the latest with the block that it is used in. */
export const hold = () => {
  let release = () => {};
  const until = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { until, release, [Symbol.dispose]: release };
};
