import { join, resolve } from 'node:path';
import ts from 'typescript';
import { writeAppRouterType } from './app-router-types.ts';
import { writeDomainTypes } from './domain-types.ts';
import { joinDeclarations, type ModuleLookup } from './join-declarations.ts';

export type BundleTypesOptions = {
  /** The folder of the repo. */
  root: string;
  /** The package's own name, by which its other entries import the first. */
  packageName: string;
  /** Name and source of each entry; the first is the main one. */
  entries: readonly { name: string; source: string }[];
};

/**
 * The declarations of each entry as one text without a trace of the server.
 *
 * Two steps. First the types that come from shared and server are written out plainly, with zod and the server
 * at hand. Then the client's declarations are made against those plain texts, with nothing else in reach: what
 * TypeScript infers there cannot mention what it cannot see.
 */
export const bundleTypes = ({ root, packageName, entries }: BundleTypesOptions): Map<string, string> => {
  const files = createFileCache();
  const plainModules = writePlainModules(root, files);
  const declarations = declareClient(
    root,
    entries.map(({ source }) => source),
    plainModules,
    files,
  );

  const lookup: ModuleLookup = (specifier, from) => {
    const id = plainModules.has(specifier) ? specifier : toModuleId(resolve(from, '..', specifier));
    const text = plainModules.get(id) ?? (specifier.startsWith('.') ? declarations.get(id) : undefined);
    return text === undefined ? undefined : { id, text };
  };
  const texts = new Map<string, string>();
  let main: ReadonlyMap<string, string> | undefined;
  for (const { name, source } of entries) {
    const id = toModuleId(source);
    const entry = { id, text: declarations.get(id) ?? '' };
    const joined = joinDeclarations({
      entry,
      lookup,
      ...(main === undefined ? {} : { elsewhere: { specifier: packageName, entities: main } }),
    });
    main ??= joined.entities;
    texts.set(name, joined.text);
  }
  return texts;
};

/** What the client may know of shared and server, by the names that it imports them by. */
const writePlainModules = (root: string, files: FileCache): Map<string, string> => {
  const router = join(root, 'server/src/api/router.ts');
  const shared = join(root, 'shared/src/index.ts');
  const { options } = readConfig(join(root, 'tsconfig.json'));
  const program = createProgram([router, shared], { ...options, noEmit: true }, files);
  const domain = writeDomainTypes(program, sourceFile(program, shared));
  return new Map([
    ['@auth-bff/shared', domain.text],
    ['@auth-bff/server', writeAppRouterType(program, sourceFile(program, router), domain.names)],
  ]);
};

/** The declarations of the client's modules, by the module's path without its ending. */
const declareClient = (
  root: string,
  sources: readonly string[],
  plainModules: ReadonlyMap<string, string>,
  files: FileCache,
): Map<string, string> => {
  const { options } = readConfig(join(root, 'client/tsconfig.build.json'));
  const plainFile = (name: string) => join(root, 'client/plain', `${name}.d.ts`);
  const plainFiles = new Map([...plainModules].map(([name, text]) => [plainFile(name), text]));
  const program = createProgram(sources, options, files, {
    files: plainFiles,
    fileOf: (name) => (plainModules.has(name) ? plainFile(name) : undefined),
  });
  const problems = ts.getPreEmitDiagnostics(program);
  if (problems.length > 0) throw new Error(ts.formatDiagnostics(problems, diagnosticsHost(root)));

  const declarations = new Map<string, string>();
  const { diagnostics } = program.emit(
    undefined,
    (_, text, __, ___, [source] = []) => {
      if (source !== undefined) declarations.set(toModuleId(source.fileName), toInstalled(text));
    },
    undefined,
    true,
  );
  if (diagnostics.length > 0) throw new Error(ts.formatDiagnostics(diagnostics, diagnosticsHost(root)));
  return declarations;
};

/** TypeScript names the package that declares a type; an application installs the one that passes it on. */
const toInstalled = (text: string): string =>
  text.replaceAll(/(?<=["'])@tanstack\/query-core(?=["'])/g, '@tanstack/react-query');

/** Parsed once for both programs: most of it is TypeScript's and tRPC's own declarations. */
type FileCache = Map<string, ts.SourceFile | undefined>;
const createFileCache = (): FileCache => new Map();

type Substitutes = { files: ReadonlyMap<string, string>; fileOf: (moduleName: string) => string | undefined };

const createProgram = (
  rootNames: readonly string[],
  options: ts.CompilerOptions,
  files: FileCache,
  substitutes?: Substitutes,
): ts.Program => {
  const host = ts.createCompilerHost(options, true);
  const getSourceFile = host.getSourceFile.bind(host);
  const readFile = host.readFile.bind(host);
  const fileExists = host.fileExists.bind(host);
  host.readFile = (name) => substitutes?.files.get(name) ?? readFile(name);
  host.fileExists = (name) => substitutes?.files.has(name) === true || fileExists(name);
  host.getSourceFile = (name, language, ...rest) => {
    const { impliedNodeFormat = 'script' } = typeof language === 'object' ? language : {};
    const key = `${name} ${impliedNodeFormat}`;
    if (!files.has(key)) files.set(key, getSourceFile(name, language, ...rest));
    return files.get(key);
  };
  if (substitutes !== undefined) {
    host.resolveModuleNameLiterals = (literals, from, redirected, moduleOptions, containing) =>
      literals.map((literal) => {
        const substitute = substitutes.fileOf(literal.text);
        if (substitute !== undefined)
          return {
            resolvedModule: {
              resolvedFileName: substitute,
              extension: ts.Extension.Dts,
              resolvedUsingTsExtension: false,
            },
          };
        const mode = ts.getModeForUsageLocation(containing, literal, moduleOptions);
        return ts.resolveModuleName(literal.text, from, moduleOptions, host, undefined, redirected, mode);
      });
  }
  return ts.createProgram(rootNames, options, host);
};

const readConfig = (path: string): ts.ParsedCommandLine => {
  const parsed = ts.getParsedCommandLineOfConfigFile(path, undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
      throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
    },
  });
  if (parsed === undefined) throw new Error(`${path} cannot be read.`);
  return parsed;
};

const sourceFile = (program: ts.Program, path: string): ts.SourceFile => {
  const file = program.getSourceFile(path);
  if (file === undefined) throw new Error(`${path} is not there.`);
  return file;
};

const diagnosticsHost = (root: string): ts.FormatDiagnosticsHost => ({
  getCanonicalFileName: (name) => name,
  getCurrentDirectory: () => root,
  getNewLine: () => '\n',
});

const toModuleId = (path: string): string => path.replace(/(?:\.d)?\.[jt]sx?$/, '');
