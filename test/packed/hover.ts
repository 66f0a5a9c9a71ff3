import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from '@typescript/typescript6';

export type HoverOptions = { folder: string; file: string; text: string };

const createService = ({ folder, file, text }: HoverOptions) => {
  const path = join(folder, file);
  writeFileSync(path, text);
  const options: ts.CompilerOptions = {
    strict: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: [],
  };
  return ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => [path],
    getScriptVersion: () => '1',
    getScriptSnapshot: (name) => {
      const content = ts.sys.readFile(name);
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content);
    },
    getCurrentDirectory: () => folder,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
    realpath: (name) => ts.sys.realpath?.(name) ?? name,
  });
};

/** What an editor shows on hover: the type, and the doc comment under it. */
export const createHover = (options: HoverOptions) => {
  const { folder, file, text } = options;
  const path = join(folder, file);
  const service = createService(options);

  /** Of the last word of `phrase`, where that first stands in the file. */
  return (phrase: string) => {
    const start = text.indexOf(phrase);
    if (start < 0) throw new Error(`${file} does not have ${phrase}.`);
    const info = service.getQuickInfoAtPosition(path, start + phrase.length - 1);
    return {
      type: ts.displayPartsToString(info?.displayParts),
      doc: ts.displayPartsToString(info?.documentation),
    };
  };
};

/** What an editor offers at the first `|` of the text, which is left out of the file. */
export const completionsOf = ({ folder, file, text }: HoverOptions): string[] => {
  const service = createService({ folder, file, text: text.replace('|', '') });
  const found = service.getCompletionsAtPosition(join(folder, file), text.indexOf('|'), {});
  return (found?.entries ?? []).map(({ name }) => name);
};
