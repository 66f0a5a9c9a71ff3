/** The id before all entries. */
export const firstTurnId = '0-0';

const pattern = /^\d{1,15}-\d{1,15}$/;

/** Whether the text is the id of an entry: `<milliseconds>-<number>`. */
export const isTurnId = (text: string): boolean => pattern.test(text);

const partsOf = (id: string): [ms: number, number: number] => {
  const [ms = 0, number = 0] = id.split('-').map(Number);
  return [ms, number];
};

/** The time of the entry by the clock of the store, in milliseconds. */
export const turnIdToMs = (id: string): number => partsOf(id)[0];

/** Negative: `a` is before `b`. */
export const compareTurnIds = (a: string, b: string): number => {
  const [[aMs, aNumber], [bMs, bNumber]] = [partsOf(a), partsOf(b)];
  return aMs - bMs || aNumber - bNumber;
};

/** The smallest id after this one. */
export const followingTurnId = (id: string): string => {
  const [ms, number] = partsOf(id);
  return `${ms}-${number + 1}`;
};

/** The id of an entry added at `nowMs`, after `last` even if the clock was set back. */
export const newTurnId = (nowMs: number, last: string | undefined): string => {
  const id = `${Math.floor(nowMs)}-0`;
  return last === undefined || compareTurnIds(id, last) > 0 ? id : followingTurnId(last);
};
