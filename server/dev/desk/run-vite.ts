import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

export type RunViteOptions = {
  /** Folder of the page, with its index.html and optional vite.config.ts. */
  folder: string;
  outFolder: string;
  env: Record<string, string | undefined>;
  /** Aborts the build, which then rejects. */
  signal: AbortSignal;
};

const vite = join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js');

/** Builds a page with Vite in a child process, so that the BFF stays responsive. Rejects with the output of Vite. */
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
      else reject(new Error(stripVTControlCharacters(output).trim() || `Vite exited with code ${code}.`));
    });
  });
