/** The query of a request target, without the question mark. Empty: none. */
export const queryOf = (url: string): string => {
  const fragmentAt = url.indexOf('#');
  const address = fragmentAt < 0 ? url : url.slice(0, fragmentAt);
  const at = address.indexOf('?');
  return at < 0 ? '' : address.slice(at + 1);
};
