/** What CommonJS has and a module has not. Some packages are CommonJS and ask for it: a bundle with them begins with this. */
export const commonJs = `import { createRequire as createRequireOf } from 'node:module';
import { dirname as dirnameOf } from 'node:path';
import { fileURLToPath as pathOf } from 'node:url';
const require = createRequireOf(import.meta.url), __filename = pathOf(import.meta.url), __dirname = dirnameOf(__filename);`;
