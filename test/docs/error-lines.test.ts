import { codeOfReason, httpStatusOfCode, type Reason } from '@auth-bff/shared';
import { describe, expect, it } from 'vitest';
import { codeSpansIn, readPage, rowsOf } from '../support/docs/markdown.ts';
import { readErrorLines } from '../support/docs/error-lines.ts';

const operations = readPage('docs/operations.md');
const lines = readErrorLines();
/** Passes on lines of other files. */
const isPassedOn = (file: string): boolean => file === 'http/telemetry/log-with-trace.ts';

describe('the runbook', () => {
  it('has a row, with cause and action, for each log line of level error', () => {
    const quoted = rowsOf(operations, 'log message').flatMap(([cell, cause = '', action = '']) =>
      cause.length > 1 && action.length > 1 ? codeSpansIn(cell) : [],
    );
    const hasRow = (message: string) =>
      quoted.some((span) => span.split('…').every((part) => message.includes(part.trim())));
    const messages = lines.flatMap(({ message }) => message ?? []);
    expect(messages.length).toBeGreaterThan(20);
    expect(messages.filter((message) => !hasRow(message))).toEqual([]);
  });

  it('has a row for each reason of a failure line, whose message is that of the error', () => {
    const unresolved = lines.filter(({ file, message }) => message === null && !isPassedOn(file));
    expect(unresolved).toEqual([
      { file: 'http/telemetry/request-telemetry.ts', expression: 'error.message', message: null },
    ]);
    const rows = new Set(rowsOf(operations, 'many responses with').flatMap(([cell]) => codeSpansIn(cell)));
    const reasons = (Object.keys(codeOfReason) as Reason[]).filter(
      (reason) => httpStatusOfCode[codeOfReason[reason]] >= 500,
    );
    expect(reasons.filter((reason) => !rows.has(reason))).toEqual([]);
  });
});
