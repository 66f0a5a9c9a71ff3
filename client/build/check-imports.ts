import ts from 'typescript';
import type { Manifest } from './published-manifest.ts';

export type CheckImportsOptions = { file: string; text: string; manifest: Manifest };

/**
 * Throws where a built file imports what an installation does not have: the main entry has the dependencies, the
 * others the peers too, and types never lean on a file beside them.
 */
export const checkImports = ({ file, text, manifest }: CheckImportsOptions): void => {
  const isMain = file.startsWith('index.');
  const isTypes = file.endsWith('.d.ts');
  const installed = [
    ...Object.keys(manifest.dependencies),
    ...(isMain ? [] : [...Object.keys(manifest.peerDependencies), manifest.name]),
  ];
  for (const { fileName: imported } of ts.preProcessFile(text).importedFiles) {
    const isInstalled = installed.some((name) => imported === name || imported.startsWith(`${name}/`));
    const isBeside = !isTypes && imported.startsWith('./');
    if (!isInstalled && !isBeside) throw new Error(`dist/${file} imports ${imported}, which is not installed with it.`);
  }
};
