import { fileURLToPath } from 'node:url';
import { bundleSource } from './bundle-source.ts';

/** The client's main entry as one script that defines the global `client`, for runtimes other than Node. */
export const bundleClient = (): Promise<string> => {
  const entry = fileURLToPath(new URL('../../../client/src/index.ts', import.meta.url));
  return bundleSource({ entryPoints: [entry], format: 'iife', globalName: 'client' });
};
