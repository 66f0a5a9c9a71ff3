import { join } from 'node:path';
import { inject } from 'vitest';

/** The compilers that a consumer may have, each by the name that it is installed under. */
export const typescripts = ['typescript-5.9', 'typescript-6', 'typescript-7'] as const;

export type TypeScript = (typeof typescripts)[number];

/** Where a compilation takes long, and a version between the two has found nothing that they had not. */
export const oldestAndNewest = ['typescript-5.9', 'typescript-7'] as const;

/** The packages of a folder with all compilers, and with the types of Node. */
export const compilerPackages = [
  ...typescripts.map((name) => `${name}@npm:typescript@${name.slice('typescript-'.length)}`),
  '@types/node@20',
];

/** The compilers stand in a folder of their own, outside the node_modules of the projects that they compile. */
const modules = () => join(inject('compilers'), 'node_modules');

/** The path of a compiler's program. */
export const tscOf = (compiler: TypeScript): string => join(modules(), compiler, 'bin/tsc');

/** Where @types/node is, which tRPC's own types need. */
export const typeRoots = (): string => join(modules(), '@types');
