import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

export type RunViteOptions = {
  /** With its index.html and, if it has one, its vite.config.ts. */
  folder: string;
  outFolder: string;
  env: Record<string, string | undefined>;
  /** Ends the build, which rejects then. */
  signal: AbortSignal;
};

const vite = join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js');

/** Builds a page by Vite. A process of its own: the BFF answers meanwhile. Rejects with what Vite said. */
export const runVite = ({ folder, outFolder, env, signal }: RunViteOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    const args = [vite, 'build', folder, '--outDir', outFolder, '--emptyOutDir', '--logLevel', 'warn'];
    const child = spawn(process.execPath, args, {
      cwd: folder,
      env: { ...env, NODE_ENV: 'production' },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
    });
    let output = '';
    const keep = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(stripVTControlCharacters(output).trim() || `Vite ended with ${code}.`));
    });
  });
