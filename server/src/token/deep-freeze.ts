/** Freezes a JSON value and everything in it. Cached tokens are shared by all calls, and therefore must not change. */
export const deepFreeze = <Value>(value: Value): Value => {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
};
