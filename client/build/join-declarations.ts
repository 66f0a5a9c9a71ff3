import ts from 'typescript';

/** Where a module's text is found by what an import calls it; undefined for a package that stays an import. */
export type ModuleLookup = (specifier: string, from: string) => { id: string; text: string } | undefined;

export type JoinOptions = {
  entry: { id: string; text: string };
  lookup: ModuleLookup;
  /** What another entry exports: imported from there, so that nothing is said twice. */
  elsewhere?: { specifier: string; entities: ReadonlyMap<string, string> };
};

/** A name that something exports or declares: in one of the modules, or in a package. */
type Entity =
  | { kind: 'local'; key: string; name: string; module: Module }
  | { kind: 'package'; key: string; name: string; specifier: string };

/** A statement, or one variable of it. */
type Declaration = { statement: ts.Statement; node: ts.Statement | ts.VariableDeclaration };

type Module = {
  id: string;
  declarations: Map<string, Declaration[]>;
  imports: Map<string, { specifier: string; name: string }>;
  exports: Map<string, { specifier?: string; name: string }>;
  exportsAllOf: string[];
  file: ts.SourceFile;
};

/**
 * Joins the declarations of one entry's modules into one text: what the entry exports, and what that needs.
 * Imports of packages are gathered at the top; a name that two modules use for different things gets a number.
 */
export const joinDeclarations = ({ entry, lookup, elsewhere }: JoinOptions) => {
  const modules = new Map<string, Module>();
  const moduleOf = ({ id, text }: { id: string; text: string }): Module => {
    const known = modules.get(id);
    if (known !== undefined) return known;
    const module = readModule(id, text);
    modules.set(id, module);
    return module;
  };

  const lookUp = (specifier: string, name: string, from: Module): Entity => {
    const found = lookup(specifier, from.id);
    if (found === undefined) return { kind: 'package', key: `${specifier}#${name}`, name, specifier };
    if (name === '*') throw new Error(`${from.id} imports all of ${specifier}: import by name instead.`);
    return exportOf(moduleOf(found), name);
  };

  const exportOf = (module: Module, name: string): Entity => {
    const entity = findExport(module, name);
    if (entity === undefined) throw new Error(`${module.id} does not export ${name}.`);
    return entity;
  };

  const findExport = (module: Module, name: string): Entity | undefined => {
    const exported = module.exports.get(name);
    if (exported?.specifier !== undefined) return lookUp(exported.specifier, exported.name, module);
    if (exported !== undefined) return namedIn(module, exported.name);
    for (const specifier of module.exportsAllOf) {
      const found = lookup(specifier, module.id);
      if (found === undefined) throw new Error(`${module.id} exports all of ${specifier}: export by name instead.`);
      const entity = findExport(moduleOf(found), name);
      if (entity !== undefined) return entity;
    }
    return undefined;
  };

  const exportedNames = (module: Module): string[] => [
    ...module.exports.keys(),
    ...module.exportsAllOf.flatMap((specifier) => {
      const found = lookup(specifier, module.id);
      return found === undefined ? [] : exportedNames(moduleOf(found));
    }),
  ];

  /** What a name stands for inside a module; undefined for a global, a type parameter and the like. */
  const namedIn = (module: Module, name: string): Entity | undefined => {
    const imported = module.imports.get(name);
    if (imported !== undefined) return lookUp(imported.specifier, imported.name, module);
    if (!module.declarations.has(name)) return undefined;
    return { kind: 'local', key: `${module.id}#${name}`, name, module };
  };

  const nameOfKey = new Map<string, string>();
  const taken = new Set<string>();
  const nameFor = ({ key, name }: Entity, wanted = name === '*' || name === 'default' ? toName(key) : name): string => {
    const known = nameOfKey.get(key);
    if (known !== undefined) return known;
    let given = wanted;
    for (let number = 2; taken.has(given); number += 1) given = `${wanted}_${number}`;
    taken.add(given);
    nameOfKey.set(key, given);
    return given;
  };

  const imports = new Map<string, Entity & { kind: 'package' }>();
  const needed: (Entity & { kind: 'local' })[] = [];
  const seen = new Set<string>();

  /** The package that an entity comes from: that of the other entry, where that exports it. */
  const packageOf = (entity: Entity): (Entity & { kind: 'package' }) | undefined => {
    if (entity.kind === 'package') return entity;
    const name = elsewhere?.entities.get(entity.key);
    if (elsewhere === undefined || name === undefined) return undefined;
    return { kind: 'package', key: entity.key, name, specifier: elsewhere.specifier };
  };

  /** Makes sure that the entity is there, and tells its name in the joined text. */
  const need = (entity: Entity): string => {
    const origin = packageOf(entity);
    if (origin !== undefined) imports.set(origin.key, origin);
    else if (entity.kind === 'local' && !seen.has(entity.key)) {
      seen.add(entity.key);
      needed.push(entity);
    }
    return nameFor(origin ?? entity);
  };

  const main = moduleOf(entry);
  const exported = new Map([...new Set(exportedNames(main))].map((name) => [name, exportOf(main, name)] as const));
  // First come: what the entry exports has its own name, whatever else is called so.
  for (const [name, entity] of exported) if (packageOf(entity) === undefined) nameFor(entity, name);
  const locals = [...exported].flatMap(([name, entity]) =>
    packageOf(entity) === undefined ? [{ name, local: need(entity) }] : [],
  );
  const inline = new Set(locals.filter(({ name, local }) => name === local).map(({ name }) => name));

  const texts: string[] = [];
  for (const entity of needed) {
    const name = nameFor(entity);
    for (const declared of entity.module.declarations.get(entity.name) ?? []) {
      const text = renamed(declared, entity.module, {
        needNamed: (inner) => {
          const named = namedIn(entity.module, inner);
          return named === undefined ? undefined : need(named);
        },
        needImported: (specifier, inner) => {
          const isOurs = lookup(specifier, entity.module.id) !== undefined;
          return isOurs ? need(lookUp(specifier, inner, entity.module)) : undefined;
        },
      });
      texts.push(inline.has(name) ? `${text.doc}export ${text.declaration}` : `${text.doc}${text.declaration}`);
    }
  }

  const passedOn = [...exported].flatMap(([name, entity]) => {
    const origin = packageOf(entity);
    return origin === undefined ? [] : [`export { ${asName(origin.name, name)} } from '${origin.specifier}';`];
  });
  const renamedExports = locals.filter(({ name }) => !inline.has(name)).map(({ name, local }) => asName(local, name));
  const parts = [
    writeImports(imports, nameFor).join('\n'),
    ...texts,
    passedOn.join('\n'),
    // Without any export statement a declaration file exports everything in it.
    renamedExports.length === 0 ? 'export {};' : `export { ${renamedExports.join(', ')} };`,
  ];
  return {
    text: `${parts.filter((part) => part !== '').join('\n\n')}\n`,
    /** Each local entity that is exported, with the name that it is exported by. */
    entities: new Map([...exported].filter(([, { kind }]) => kind === 'local').map(([name, { key }]) => [key, name])),
  };
};

const readModule = (id: string, text: string): Module => {
  const file = ts.createSourceFile(id, text, ts.ScriptTarget.Latest, true);
  const module: Module = {
    id,
    declarations: new Map(),
    imports: new Map(),
    exports: new Map(),
    exportsAllOf: [],
    file,
  };
  const declare = (name: string, statement: ts.Statement, node: Declaration['node'] = statement) => {
    module.declarations.set(name, [...(module.declarations.get(name) ?? []), { statement, node }]);
    const isExported =
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true;
    if (isExported) module.exports.set(name, { name });
  };
  for (const statement of file.statements) {
    if (ts.isImportDeclaration(statement)) readImport(module, statement);
    else if (ts.isExportDeclaration(statement)) readExport(module, statement);
    else if (ts.isVariableStatement(statement)) {
      for (const node of statement.declarationList.declarations) declare(node.name.getText(), statement, node);
    } else if (isNamedDeclaration(statement)) declare(statement.name.getText(), statement);
    else throw new Error(`${id} has a statement that cannot be joined: ${statement.getText()}`);
  }
  return module;
};

const isNamedDeclaration = (statement: ts.Statement): statement is ts.Statement & { name: ts.Identifier } =>
  (ts.isTypeAliasDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isEnumDeclaration(statement)) &&
  statement.name !== undefined;

const textOf = (specifier: ts.Node | undefined): string =>
  specifier !== undefined && ts.isStringLiteral(specifier) ? specifier.text : '';

const readImport = (module: Module, { importClause, moduleSpecifier }: ts.ImportDeclaration): void => {
  const specifier = textOf(moduleSpecifier);
  const { name, namedBindings } = importClause ?? {};
  if (name !== undefined) module.imports.set(name.text, { specifier, name: 'default' });
  if (namedBindings === undefined) return;
  if (ts.isNamespaceImport(namedBindings)) module.imports.set(namedBindings.name.text, { specifier, name: '*' });
  else
    for (const element of namedBindings.elements)
      module.imports.set(element.name.text, { specifier, name: (element.propertyName ?? element.name).text });
};

const readExport = (module: Module, { exportClause, moduleSpecifier }: ts.ExportDeclaration): void => {
  const specifier = textOf(moduleSpecifier);
  if (exportClause === undefined) module.exportsAllOf.push(specifier);
  else if (ts.isNamespaceExport(exportClause)) module.exports.set(exportClause.name.text, { specifier, name: '*' });
  else
    for (const element of exportClause.elements) {
      const name = (element.propertyName ?? element.name).text;
      module.exports.set(element.name.text, specifier === '' ? { name } : { specifier, name });
    }
};

type Renaming = {
  needNamed: (name: string) => string | undefined;
  needImported: (specifier: string, name: string) => string | undefined;
};

/** A declaration without `export`, with every name in it as the joined text has it. */
const renamed = (
  { statement, node: declared }: Declaration,
  { file }: Module,
  { needNamed, needImported }: Renaming,
) => {
  const edits: { start: number; end: number; text: string }[] = [];
  const replace = (node: ts.Node, text: string) => edits.push({ start: node.getStart(file), end: node.getEnd(), text });

  const visit = (node: ts.Node): void => {
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && node.qualifier !== undefined) {
      const first = firstName(node.qualifier);
      const local = needImported(textOf(node.argument.literal), first.text);
      // `import('./tabs.ts').Tabs` becomes `Tabs`; of a package it may stay.
      if (local !== undefined) edits.push({ start: node.getStart(file), end: first.getEnd(), text: local });
      for (const argument of node.typeArguments ?? []) visit(argument);
      return;
    }
    if (ts.isIdentifier(node) && !isMemberName(node)) {
      const local = needNamed(node.text);
      if (local !== undefined && local !== node.text) replace(node, local);
    }
    ts.forEachChild(node, visit);
  };
  visit(declared);

  const start = declared.getStart(file);
  let declaration = declared.getText(file);
  for (const { start: from, end, text } of edits.toSorted((a, b) => b.start - a.start)) {
    declaration = declaration.slice(0, from - start) + text + declaration.slice(end - start);
  }
  const doc = docBefore(statement, file);
  if (ts.isVariableDeclaration(declared)) return { doc, declaration: `declare const ${declaration};` };
  const [modifiers = ''] = /^(?:(?:export|default|declare)\s+)*/.exec(declaration) ?? [];
  const needsDeclare = !ts.isTypeAliasDeclaration(statement) && !ts.isInterfaceDeclaration(statement);
  return { doc, declaration: `${needsDeclare ? 'declare ' : ''}${declaration.slice(modifiers.length)}` };
};

/** The doc comment that belongs to the statement: the last before it. */
const docBefore = (statement: ts.Statement, file: ts.SourceFile): string => {
  const comments = ts.getLeadingCommentRanges(file.text, statement.getFullStart()) ?? [];
  const doc = comments.findLast(({ pos }) => file.text.startsWith('/**', pos));
  return doc === undefined ? '' : `${file.text.slice(doc.pos, doc.end)}\n`;
};

const firstName = (name: ts.EntityName): ts.Identifier => (ts.isIdentifier(name) ? name : firstName(name.left));

/** A member's name, or the right side of a dot: it refers to nothing that a module declares. */
const isMemberName = (node: ts.Identifier): boolean => {
  const { parent } = node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isTypeParameterDeclaration(parent) || ts.isParameter(parent) || ts.isNamedTupleMember(parent))
    return parent.name === node;
  if (ts.isBindingElement(parent)) return true;
  return (ts.isTypeElement(parent) || ts.isClassElement(parent)) && parent.name === node;
};

const asName = (local: string, exported: string): string => (local === exported ? exported : `${local} as ${exported}`);

const toName = (key: string): string => key.replaceAll(/\W+/g, '_').replace(/^_/, '');

const writeImports = (
  imports: ReadonlyMap<string, Entity & { kind: 'package' }>,
  nameFor: (entity: Entity) => string,
): string[] => {
  const all = [...imports.values()];
  const specifiers = new Set(all.map(({ specifier }) => specifier));
  return [...specifiers].toSorted().flatMap((specifier) => {
    const entities = all.filter((entity) => entity.specifier === specifier);
    const [whole, named] = [entities.filter(({ name }) => name === '*'), entities.filter(({ name }) => name !== '*')];
    const names = named.map((entity) => asName(entity.name, nameFor(entity))).toSorted();
    return whole
      .map((entity) => `import type * as ${nameFor(entity)} from '${specifier}';`)
      .concat(names.length === 0 ? [] : `import type { ${names.join(', ')} } from '${specifier}';`);
  });
};
