import { join } from 'node:path';
import { filesInDocs, writeFiles } from '../docs-app.ts';
import type { Packing } from '../packing.ts';
import { runWell } from '../run.ts';

export type Recipe = {
  name: string;
  /** The page of the docs with the files of the project. */
  page: string;
  /** Beside the client, Vite and the compiler. */
  packages: readonly string[];
  /** The command that checks the types, in node_modules/.bin. */
  check: readonly [program: string, ...args: string[]];
  /** Files of the template that the page keeps: texts by path. */
  template?: Readonly<Record<string, string>>;
  compilerOptions?: Record<string, unknown>;
};

const compilerOptions = {
  target: 'es2022',
  lib: ['es2022', 'dom', 'dom.iterable'],
  module: 'esnext',
  moduleResolution: 'bundler',
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  verbatimModuleSyntax: true,
  skipLibCheck: true,
  noEmit: true,
};

/** Creates the project of a recipe in a temporary folder, with the packed client. Returns its folder. */
export const createRecipeProject = async (
  packing: Packing,
  { name, page, packages, template = {}, compilerOptions: own }: Recipe,
): Promise<string> => {
  const folder = await packing.project(name, ['vite@8', 'typescript@5.9', ...packages]);
  const files = new Map([...Object.entries(template), ...filesInDocs(page)]);
  files.set(
    'tsconfig.json',
    JSON.stringify({
      compilerOptions: { ...compilerOptions, types: ['vite/client'], ...own },
      include: ['src', 'vite.config.ts'],
    }),
  );
  writeFiles(folder, files);
  return folder;
};

/** Checks the types of a project. Rejects with the compiler's output if it finds an error. */
export const checkProject = (folder: string, { check: [program, ...args] }: Recipe) =>
  runWell(join(folder, 'node_modules/.bin', program), args, { cwd: folder });

/** Builds a project with Vite. Returns the folder of the page. */
export const buildProject = async (folder: string): Promise<string> => {
  await runWell(join(folder, 'node_modules/.bin/vite'), ['build', '--logLevel', 'warn'], { cwd: folder });
  return join(folder, 'dist');
};
