import ts from 'typescript';

export type PlainTypesOptions = {
  program: ts.Program;
  /** Types that are written by name; every other is written out. */
  names: ReadonlyMap<ts.Type, string>;
};

/**
 * Writes types out as plain TypeScript, so that they say the same where zod and the server are not installed.
 * What cannot be said plainly (a function, a class, `any`) is an error that tells where it stands.
 */
export const createPlainTypes = ({ program, names }: PlainTypesOptions) => {
  const checker = program.getTypeChecker();

  const nameOf = (type: ts.Type): string | undefined => {
    const name = names.get(type);
    if (name !== undefined || !type.isUnion()) return name;
    // `PersonType | null` keeps the name; TypeScript itself sees three members.
    const present = checker.getNonNullableType(type);
    const presentName = present === type ? undefined : names.get(present);
    if (presentName === undefined) return undefined;
    return [presentName, ...absencesOf(type)].join(' | ');
  };

  /** `null` and `undefined`, as far as they were written: an optional property's type has a `missing` that prints as `undefined`. */
  const absencesOf = ({ types }: ts.UnionType): string[] =>
    types
      .filter((type) => isAbsence(type) && (type.flags & ts.TypeFlags.Null || type === checker.getUndefinedType()))
      .map(toText);

  const write = (type: ts.Type, place: string): string => nameOf(type) ?? writeOut(type, place);

  const writeUnion = (union: ts.UnionType, place: string): string => {
    const { types } = union;
    const isTrueAndFalse = types.filter((type) => type.flags & ts.TypeFlags.BooleanLiteral).length === 2;
    const members = types.filter((type) => !isAbsence(type)).map((type) => write(type, place));
    const merged = isTrueAndFalse
      ? ['boolean', ...members.filter((text) => text !== 'true' && text !== 'false')]
      : members;
    return [...merged, ...absencesOf(union)].join(' | ');
  };

  const writeElement = (type: ts.Type, place: string): string => {
    const text = write(type, place);
    return /^readonly |[|&] /.test(text) ? `(${text})` : text;
  };

  const writeProperty = (property: ts.Symbol, place: string): string => {
    const isOptional = (property.flags & ts.SymbolFlags.Optional) !== 0;
    const isReadonly = property.declarations?.some(
      (declaration) => ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Readonly,
    );
    const name = toPropertyName(property.name);
    const text = write(checker.getTypeOfSymbol(property), `${place}.${property.name}`);
    return `${docOf(property)}${isReadonly ? 'readonly ' : ''}${name}${isOptional ? '?' : ''}: ${text};`;
  };

  const writeMembers = (type: ts.Type, place: string): string => {
    const indexes = checker
      .getIndexInfosOfType(type)
      .map(
        (info) =>
          `${info.isReadonly ? 'readonly ' : ''}[key: ${write(info.keyType, place)}]: ${write(info.type, `${place}[]`)};`,
      );
    const properties = checker.getPropertiesOfType(type).map((property) => writeProperty(property, place));
    const members = [...indexes, ...properties];
    return members.length === 0 ? '{}' : `{\n${indent(members.join('\n'))}\n}`;
  };

  const beingWritten = new Set<ts.Type>();

  const writeOut = (type: ts.Type, place: string): string => {
    const fail = (what: string): never => {
      throw new Error(`${place} is ${what}, which has no plain form: ${toText(type)}`);
    };
    if (type.flags & ts.TypeFlags.Any) return fail('any');
    if (type.flags & plainFlags) return toText(type);
    if (type.isUnion()) return writeUnion(type, place);
    if (type.isIntersection()) return type.types.map((member) => writeElement(member, place)).join(' & ');
    if (isTuple(checker, type)) {
      const { elementFlags, readonly } = type.target;
      if (elementFlags.some((flags) => flags !== ts.ElementFlags.Required)) return fail('a tuple of varying length');
      const elements = checker.getTypeArguments(type).map((element) => write(element, place));
      return `${readonly ? 'readonly ' : ''}[${elements.join(', ')}]`;
    }
    if (checker.isArrayType(type)) {
      const [element = checker.getUnknownType()] = checker.getTypeArguments(type as ts.TypeReference);
      const isReadonly = type.symbol.name === 'ReadonlyArray';
      return `${isReadonly ? 'readonly ' : ''}${writeElement(element, `${place}[]`)}[]`;
    }
    if (isOfTheLanguage(type)) {
      const typeArguments = isReference(type) ? checker.getTypeArguments(type) : [];
      const written = typeArguments.map((argument) => write(argument, place));
      return written.length === 0 ? type.symbol.name : `${type.symbol.name}<${written.join(', ')}>`;
    }
    if (type.isClass()) return fail('a class');
    if ((type.flags & ts.TypeFlags.Object) === 0) return fail('not an object');
    if (checker.getPropertiesOfType(type).some(isBySymbol)) return fail('an object with symbols');
    if (type.getCallSignatures().length > 0 || type.getConstructSignatures().length > 0) return fail('a function');
    if (beingWritten.has(type)) return fail('recursive: export it from shared by a name');
    beingWritten.add(type);
    const text = writeMembers(type, place);
    beingWritten.delete(type);
    return text;
  };

  /** Date, Map, Uint8Array: declared by TypeScript's own lib files, and there on both sides. */
  const isOfTheLanguage = (type: ts.Type): boolean =>
    type.symbol?.declarations?.some(
      (declaration) =>
        ts.isInterfaceDeclaration(declaration) && program.isSourceFileDefaultLibrary(declaration.getSourceFile()),
    ) ?? false;

  const toText = (type: ts.Type): string =>
    checker.typeToString(
      type,
      undefined,
      ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseSingleQuotesForStringLiteralType,
    );

  /** The doc comment that stands on a symbol, with the line break that follows it; empty where there is none. */
  const docOf = (symbol: ts.Symbol): string => {
    const tags = symbol
      .getJsDocTags(checker)
      .map(({ name, text }) => `@${name} ${ts.displayPartsToString(text)}`.trimEnd());
    const lines = [ts.displayPartsToString(symbol.getDocumentationComment(checker)), ...tags]
      .join('\n')
      .replaceAll('*/', '*\\/')
      .split('\n')
      .filter((line, index, all) => line !== '' || (index > 0 && index < all.length - 1));
    if (lines.length === 0) return '';
    return lines.length === 1
      ? `/** ${lines[0]} */\n`
      : `/**\n${lines.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */\n`;
  };

  return { write, writeOut, docOf };
};

export type PlainTypes = ReturnType<typeof createPlainTypes>;

export const indent = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ');

export const toPropertyName = (name: string): string =>
  /^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name.replaceAll(/['\\]/g, '\\$&')}'`;

const plainFlags =
  ts.TypeFlags.StringLike |
  ts.TypeFlags.NumberLike |
  ts.TypeFlags.BigIntLike |
  ts.TypeFlags.BooleanLike |
  ts.TypeFlags.Null |
  ts.TypeFlags.Undefined |
  ts.TypeFlags.Void |
  ts.TypeFlags.Never |
  ts.TypeFlags.Unknown |
  ts.TypeFlags.NonPrimitive;

const isAbsence = (type: ts.Type): boolean => (type.flags & (ts.TypeFlags.Null | ts.TypeFlags.Undefined)) !== 0;

/** TypeScript's own name for `[symbol]`. */
const isBySymbol = ({ escapedName }: ts.Symbol): boolean => String(escapedName).startsWith('__@');

const isTuple = (checker: ts.TypeChecker, type: ts.Type): type is ts.TupleTypeReference => checker.isTupleType(type);

const isReference = (type: ts.Type): type is ts.TypeReference =>
  (type.flags & ts.TypeFlags.Object) !== 0 && ((type as ts.ObjectType).objectFlags & ts.ObjectFlags.Reference) !== 0;
