import ts from 'typescript';
import { exportsOf } from './domain-types.ts';
import { createPlainTypes, indent, type PlainTypes, toPropertyName } from './plain-types.ts';

const typeOfKind: Record<string, string> = {
  query: 'TRPCQueryProcedure',
  mutation: 'TRPCMutationProcedure',
  subscription: 'TRPCSubscriptionProcedure',
};

/**
 * The type `AppRouter` as a client needs it: each procedure with its kind, input, output and doc comment, and
 * nothing of how the server does it. The context is `object`: no caller on this side ever makes one.
 */
export const writeAppRouterType = (
  program: ts.Program,
  router: ts.SourceFile,
  names: ReadonlyMap<ts.Type, string>,
): string => {
  const checker = program.getTypeChecker();
  const plain = createPlainTypes({ program, names });

  const member = (type: ts.Type, ...path: string[]): ts.Type =>
    path.reduce((at, name) => {
      const property = checker.getPropertyOfType(at, name);
      if (property === undefined) throw new Error(`tRPC's router type has no ${path.join('.')} any more.`);
      return checker.getTypeOfSymbol(property);
    }, type);

  const writeProcedure = (procedure: ts.Type, path: string): string => {
    const kind = member(procedure, '_def', 'type');
    const type = kind.isStringLiteral() ? typeOfKind[kind.value] : undefined;
    if (type === undefined) throw new Error(`${path} is a procedure of an unknown kind.`);
    const input = plain.write(member(procedure, '_def', '$types', 'input'), `the input of ${path}`);
    const output = plain.write(member(procedure, '_def', '$types', 'output'), `the output of ${path}`);
    const members = ['meta: object;', `input: ${input};`, `output: ${output};`, 'errorShape: ErrorShape;'];
    return `${type}<{\n${indent(members.join('\n'))}\n}>`;
  };

  const writeRecord = (record: ts.Type, path: string[]): string => {
    const entries = checker.getPropertiesOfType(record).map((property) => {
      const type = checker.getTypeOfSymbol(property);
      const here = [...path, property.name];
      const isProcedure = checker.getPropertyOfType(type, '_def') !== undefined;
      const text = isProcedure ? writeProcedure(type, here.join('.')) : writeRecord(type, here);
      return `${docOfEntry(checker, plain, property)}${toPropertyName(property.name)}: ${text};`;
    });
    return `{\n${indent(entries.join('\n'))}\n}`;
  };

  const appRouter = exportsOf(checker, router).find(({ name }) => name === 'AppRouter');
  if (appRouter === undefined) throw new Error(`${router.fileName} exports no AppRouter.`);
  const type = checker.getDeclaredTypeOfSymbol(appRouter);
  const root = member(type, '_def', '_config', '$types');
  const record = writeRecord(member(type, '_def', 'record'), []);
  const errorShape = plain.writeOut(member(root, 'errorShape'), "the router's error shape");
  const transformer = plain.write(member(root, 'transformer'), 'whether there is a transformer');

  return `
import type { TRPCBuiltRouter, ${Object.values(typeOfKind).join(', ')} } from '@trpc/server';
import type { ${[...names.values()].join(', ')} } from '@auth-bff/shared';

/** The error of any procedure. */
export type ErrorShape = ${errorShape};

${plain.docOf(appRouter)}export type AppRouter = TRPCBuiltRouter<
  { ctx: object; meta: object; errorShape: ErrorShape; transformer: ${transformer} },
${indent(record)}
>;
`;
};

/** The comment on the entry itself, or else on the router that it names. */
const docOfEntry = (checker: ts.TypeChecker, { docOf }: PlainTypes, entry: ts.Symbol): string => {
  const doc = docOf(entry);
  const [declaration] = entry.declarations ?? [];
  if (doc !== '' || declaration === undefined || !ts.isPropertyAssignment(declaration)) return doc;
  const named = checker.getSymbolAtLocation(declaration.initializer);
  if (named === undefined) return '';
  return docOf(named.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(named) : named);
};
