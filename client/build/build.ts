import { fileURLToPath } from 'node:url';
import { buildPackage } from './build-package.ts';

await buildPackage({
  root: fileURLToPath(new URL('../../', import.meta.url)),
  workspace: 'client',
  platform: 'browser',
  // Callers never create the context of a request.
  replaced: { 'server/src/api/context.d.ts': 'export interface Context {}\n' },
});
