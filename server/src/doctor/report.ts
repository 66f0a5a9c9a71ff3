import type { Finding, Level } from './finding.ts';

const marks: Record<Level, string> = { ok: '✓', warning: '!', problem: '✗', unchecked: '!' };

/** True if there is no problem. Warnings and skipped checks are allowed. */
export const isOk = (findings: readonly Finding[]): boolean => findings.every(({ level }) => level !== 'problem');

const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;

const summaryOf = (findings: readonly Finding[]): string => {
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length;
  return `${plural(count('problem'), 'problem')}, ${plural(count('warning'), 'warning')}, ${count('unchecked')} not checked.`;
};

/** One line per finding, and a summary. */
export const toText = (findings: readonly Finding[]): string => {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.map(
    ({ name, level, message, fix }) =>
      `${marks[level]} ${name.padEnd(width)}  ${message}.${fix === null ? '' : ` ${fix}.`}`,
  );
  return `${lines.join('\n')}\n\n${summaryOf(findings)}\n`;
};

/** `{ok, findings: [{name, level, message, fix}]}`. */
export const toJson = (findings: readonly Finding[]): string =>
  `${JSON.stringify({ ok: isOk(findings), findings }, null, 2)}\n`;
