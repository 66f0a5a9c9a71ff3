import type { Leave, TurnEntry } from '@auth-bff/shared';

/** A person of a rotation, as the command prints them. */
export type ShownPerson = {
  id: number;
  /** Null: unknown, because there is no service account. */
  name: string | null;
  lastTurnAt: Date | null;
  turns: number;
  away: Leave | null;
};

export type ShownTurns = {
  system: string;
  role: string;
  /** Next in turn first; people who are away last. */
  people: readonly ShownPerson[];
  /** Newest first. */
  entries: readonly TurnEntry[];
};

/** Characters with which a name, a note or a key could manipulate a terminal. */
const controls = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;
const toPlain = (text: string): string => text.replaceAll(controls, ' ');

const none = '–';
const toTime = (time: Date): string => time.toISOString().replace(/\.\d+Z$/, 'Z');

const toLeave = (away: Leave | null): string => {
  if (away === null) return '';
  const end = away.until === null ? 'without an end' : `until ${toTime(away.until)}`;
  return away.note === null ? end : `${end}: ${away.note}`;
};

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const lengthOf = (text: string): number => [...graphemes.segment(text)].length;

/** Columns that are as wide as their longest cell. */
const toTable = (header: readonly string[], rows: ReadonlyArray<readonly string[]>): string => {
  const lines = [header, ...rows].map((cells) => cells.map(toPlain));
  const widths = header.map((_name, column) => Math.max(...lines.map((cells) => lengthOf(cells[column] ?? ''))));
  const pad = (text: string, column: number) => text + ' '.repeat((widths[column] ?? 0) - lengthOf(text));
  return lines.map((cells) => `${cells.map(pad).join('  ').trimEnd()}\n`).join('');
};

const toPeople = (people: readonly ShownPerson[]): string =>
  toTable(
    ['next', 'id', 'name', 'last turn', 'turns', 'away'],
    people.map(({ id, name, lastTurnAt, turns, away }, index) => [
      away === null ? String(index + 1) : none,
      String(id),
      name ?? none,
      lastTurnAt === null ? none : toTime(lastTurnAt),
      String(turns),
      toLeave(away),
    ]),
  );

const toHistory = (entries: readonly TurnEntry[]): string =>
  toTable(
    ['time', 'kind', 'key', 'to', 'by'],
    entries.map(({ at, kind, key, assignee, by }) => [toTime(at), kind, key ?? none, String(assignee), String(by)]),
  );

/** The rotation as a table, and the history below it. */
export const toTurnsText = ({ system, role, people, entries }: ShownTurns): string => {
  const title = `${system} ${toPlain(role)}\n\n`;
  const rotation = people.length === 0 ? 'The rotation has no people.\n' : toPeople(people);
  const history =
    entries.length === 0 ? 'The history has no entries.\n' : `The last turns, newest first:\n\n${toHistory(entries)}`;
  return `${title}${rotation}\n${history}`;
};
