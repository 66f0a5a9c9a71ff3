import { fileURLToPath } from 'node:url';
import { buildPackage } from '../../../client/build/build-package.ts';

await buildPackage({
  root: fileURLToPath(new URL('../../../', import.meta.url)),
  workspace: 'server/middleware',
  platform: 'node',
});
