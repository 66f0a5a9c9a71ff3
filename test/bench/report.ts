import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import type { Verdict } from './statistics.ts';

export type Row = Record<string, string | number>;

const digits = (value: number): number => (Math.abs(value) >= 100 ? 0 : 2);
const toText = (value: string | number | undefined): string =>
  typeof value === 'number' ? value.toLocaleString('en', { maximumFractionDigits: digits(value) }) : (value ?? '');

/** Prints results and stores them for the JSON file. */
export const createReport = (print: (line: string) => void) => {
  const sections: Array<{ name: string; rows: Row[]; verdicts: Verdict[]; notes: string[] }> = [];
  return {
    section(name: string) {
      const section = { name, rows: [] as Row[], verdicts: [] as Verdict[], notes: [] as string[] };
      sections.push(section);
      print(`\n${name}`);
      return {
        /** Rows with the same columns. The first column is the name. */
        rows(rows: Row[]): void {
          section.rows.push(...rows);
          const columns = Object.keys(rows[0] ?? {});
          const widthOf = (column: string) =>
            Math.max(column.length, ...rows.map((row) => toText(row[column]).length)) + 2;
          const line = (cell: (column: string) => string) =>
            print(
              columns
                .map((column, index) => cell(column)[index === 0 ? 'padEnd' : 'padStart'](widthOf(column)))
                .join(''),
            );
          line((column) => column);
          for (const row of rows) line((column) => toText(row[column]));
        },
        note(text: string): void {
          section.notes.push(text);
          print(text);
        },
        verdict(verdict: Verdict): void {
          section.verdicts.push(verdict);
          print(`${verdict.isMet ? 'met   ' : 'MISSED'} ${verdict.name}: ${toText(verdict.value)} (${verdict.target})`);
        },
      };
    },
    save(path: string): void {
      const machine = { cpu: cpus()[0]?.model ?? '', cores: availableParallelism(), node: process.version };
      writeFileSync(path, `${JSON.stringify({ at: new Date().toISOString(), machine, sections }, null, 2)}\n`);
    },
  };
};

export type Report = ReturnType<typeof createReport>;
