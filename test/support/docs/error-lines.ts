import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from '@typescript/typescript6';
import { root } from './markdown.ts';

const sources = (): ts.SourceFile[] => {
  const folder = join(root, 'server/src');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ts.createSourceFile(name, readFileSync(join(folder, name), 'utf8'), ts.ScriptTarget.Latest, true));
};

const visitAll = (node: ts.Node, visit: (node: ts.Node) => void): void => {
  visit(node);
  ts.forEachChild(node, (child) => visitAll(child, visit));
};

const isErrorLine = (node: ts.Node): node is ts.CallExpression =>
  ts.isCallExpression(node) &&
  ts.isPropertyAccessExpression(node.expression) &&
  ['error', 'fatal'].includes(node.expression.name.text) &&
  /(^|\.)log$/.test(node.expression.expression.getText());

/** `message` is null if only the run time knows it. `expression` is its source. */
export type ErrorLine = { file: string; expression: string; message: string | null };

/**
 * The messages of all lines of level `error` and `fatal` in `server/src`. Constants are resolved, also in tables of
 * messages. A part that only the run time knows is `…`.
 */
export const readErrorLines = (): ErrorLine[] => {
  const files = sources();
  const constants = new Map<string, ts.Expression>();
  for (const file of files) {
    visitAll(file, (node) => {
      if (!ts.isVariableDeclaration(node) || !ts.isIdentifier(node.name) || node.initializer === undefined) return;
      constants.set(`${file.fileName} ${node.name.text}`, node.initializer);
      if (node.parent.parent.getText().startsWith('export ')) constants.set(node.name.text, node.initializer);
    });
  }

  const messagesOf = (node: ts.Expression): string[] => {
    const file = node.getSourceFile().fileName;
    if (ts.isStringLiteralLike(node)) return [node.text];
    if (ts.isConditionalExpression(node)) return [...messagesOf(node.whenTrue), ...messagesOf(node.whenFalse)];
    if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) return messagesOf(node.expression);
    if (ts.isTemplateExpression(node)) {
      return node.templateSpans.reduce(
        (texts, { expression, literal }) => {
          const values = messagesOf(expression);
          return texts.flatMap((text) =>
            (values.length === 0 ? ['…'] : values).map((value) => `${text}${value}${literal.text}`),
          );
        },
        [node.head.text],
      );
    }
    if (ts.isObjectLiteralExpression(node)) {
      return node.properties.flatMap((one) => (ts.isPropertyAssignment(one) ? messagesOf(one.initializer) : []));
    }
    if (ts.isElementAccessExpression(node)) return messagesOf(node.expression);
    if (!ts.isIdentifier(node)) return [];
    const isImported = new RegExp(`^import [^;]*\\b${node.text}\\b`, 'm').test(node.getSourceFile().text);
    const constant = constants.get(`${file} ${node.text}`) ?? (isImported ? constants.get(node.text) : undefined);
    return constant === undefined ? [] : messagesOf(constant);
  };

  const lines: ErrorLine[] = [];
  for (const file of files) {
    visitAll(file, (node) => {
      const argument = isErrorLine(node) ? node.arguments.at(-1) : undefined;
      if (argument === undefined) return;
      const line = { file: file.fileName, expression: argument.getText() };
      const messages = messagesOf(argument);
      if (messages.length === 0) lines.push({ ...line, message: null });
      for (const message of messages) lines.push({ ...line, message });
    });
  }
  return lines;
};
