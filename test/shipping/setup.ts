import { chmodSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { root } from '../support/processes/run-process.ts';
import { buildImages, type Image } from './build-images.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    images: Array<[name: string, image: Image]>;
  }
}

/** Builds the images once, for all files. */
const setup = async (project: TestProject) => {
  const folder = mkdtempSync(join(tmpdir(), 'auth-bff-images-'));
  // Whoever the containers run as gets in.
  chmodSync(folder, 0o755);
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    project.provide('images', [...(await buildImages({ context: root, folder }))]);
  } catch (error) {
    await remove();
    throw error;
  }
  return remove;
};

export default setup;
