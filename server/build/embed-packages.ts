import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';

export type EmbedPackagesOptions = {
  /** The folder of what was built. */
  dist: string;
  /** The folders of what was built of other workspaces, by the part of their name after `@auth-bff/`. */
  packages: Readonly<Record<string, string>>;
};

const specifier = /\b(from\s*|import\s*\(?\s*)(['"])@auth-bff\/(\w+)(\/\w+)?\2/g;

/** Puts what was built of other workspaces into `dist`, and lets all code and types there import it from beside them. */
export const embedPackages = ({ dist, packages }: EmbedPackagesOptions): void => {
  for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(js|d\.ts)$/.test(name)) continue;
    const path = join(dist, name);
    const up = relative(dirname(path), dist).split(sep).join(posix.sep) || '.';
    const text = readFileSync(path, 'utf8').replaceAll(
      specifier,
      (whole, before: string, quote: string, workspace: string, entry = '/index') =>
        Object.hasOwn(packages, workspace) ? `${before}${quote}${up}/${workspace}${entry}.js${quote}` : whole,
    );
    writeFileSync(path, text);
  }
  for (const [workspace, folder] of Object.entries(packages)) {
    cpSync(folder, join(dist, workspace), { recursive: true });
  }
};
