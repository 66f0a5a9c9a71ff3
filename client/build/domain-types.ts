import ts from 'typescript';
import { createPlainTypes } from './plain-types.ts';

/**
 * What shared exports, as declarations without zod: each type written out under its name, each constant and
 * function as it is. The schemas themselves stay behind.
 */
export const writeDomainTypes = (program: ts.Program, index: ts.SourceFile) => {
  const checker = program.getTypeChecker();
  const exported = exportsOf(checker, index);
  const names = namesOf(checker, exported);
  const { writeOut, docOf } = createPlainTypes({ program, names });

  const types = exported
    .filter(({ flags }) => flags & ts.SymbolFlags.TypeAlias)
    .map((symbol) => {
      const text = writeOut(checker.getDeclaredTypeOfSymbol(symbol), symbol.name);
      return `${docOf(symbol)}export type ${symbol.name} = ${text};`;
    });

  const textOf = (symbol: ts.Symbol) =>
    checker.typeToString(
      checker.getTypeOfSymbol(symbol),
      undefined,
      ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope,
    );
  const values = exported
    .filter(({ flags }) => flags & ts.SymbolFlags.Variable)
    .map((symbol) => ({ symbol, text: textOf(symbol) }))
    .filter(({ text }) => !/\bZod/.test(text))
    .map(({ symbol, text }) => `${docOf(symbol)}export declare const ${symbol.name}: ${text};`);

  return { names, text: [...types, ...values].join('\n\n') };
};

/** The names that types of shared are known by. Only types of its own: `number` stays `number` whatever aliases it has. */
const namesOf = (checker: ts.TypeChecker, exported: readonly ts.Symbol[]): ReadonlyMap<ts.Type, string> => {
  const names = new Map<ts.Type, string>();
  for (const symbol of exported) {
    if ((symbol.flags & ts.SymbolFlags.TypeAlias) === 0) continue;
    const type = checker.getDeclaredTypeOfSymbol(symbol);
    const isItsOwn =
      (type.flags & ts.TypeFlags.Object || (type.isUnion() && !(type.flags & ts.TypeFlags.Boolean))) &&
      !checker.isArrayType(type) &&
      type.symbol?.name !== 'Date';
    if (isItsOwn && !names.has(type)) names.set(type, symbol.name);
  }
  return names;
};

export const exportsOf = (checker: ts.TypeChecker, file: ts.SourceFile): ts.Symbol[] => {
  const module = checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`${file.fileName} exports nothing.`);
  return checker
    .getExportsOfModule(module)
    .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol));
};
