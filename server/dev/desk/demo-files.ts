import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

export type DemoFile = {
  bytes: Buffer;
  gzipped: Buffer;
  type: string;
  /** Whether the file name contains a content hash, so that browsers can cache the file permanently. */
  isHashed: boolean;
};

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

const gzipped = promisify(gzip);

/** Reads a build into memory, so that a later build does not change the served files. Keys are paths without leading slash. */
export const readDemoFiles = async (folder: string): Promise<ReadonlyMap<string, DemoFile>> => {
  const files = new Map<string, DemoFile>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    // Dotfiles are build metadata.
    if (!entry.isFile() || entry.name.startsWith('.')) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    const name = relative(folder, path).replaceAll('\\', '/');
    files.set(name, {
      bytes,
      gzipped: await gzipped(bytes),
      type: types[extname(name)] ?? 'application/octet-stream',
      isHashed: /^assets\/.*-[\w-]{8}\.\w+$/.test(name),
    });
  }
  if (!files.has('index.html')) throw new Error(`The build has no index.html in ${folder}.`);
  return files;
};

export type DemoFiles = Awaited<ReturnType<typeof readDemoFiles>>;
