import type { Finding, Level } from './finding.ts';

const marks: Record<Level, string> = { ok: '✓', warning: '!', problem: '✗', unchecked: '!' };

/** Whether nothing is wrong that keeps the service from working. */
export const isWell = (findings: readonly Finding[]): boolean => findings.every(({ level }) => level !== 'problem');

const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;

const summaryOf = (findings: readonly Finding[]): string => {
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length;
  return `${counted(count('problem'), 'problem')}, ${counted(count('warning'), 'warning')}, ${count('unchecked')} not checked.`;
};

/** The findings for people: a line each, and how many are wrong. */
export const toText = (findings: readonly Finding[]): string => {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.map(
    ({ name, level, says, todo }) =>
      `${marks[level]} ${name.padEnd(width)}  ${says}.${todo === null ? '' : ` ${todo}.`}`,
  );
  return `${lines.join('\n')}\n\n${summaryOf(findings)}\n`;
};

/** The findings for programs: `{well, findings: [{name, level, says, todo}]}`. */
export const toJson = (findings: readonly Finding[]): string =>
  `${JSON.stringify({ well: isWell(findings), findings }, null, 2)}\n`;
