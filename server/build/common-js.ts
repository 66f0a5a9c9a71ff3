/**
 * What CommonJS has and a module has not. Some packages are CommonJS and ask for it: a bundle with them begins with this. The
 * names begin with `__`, because they share the bundle's scope with ours.
 */
export const commonJs = `import { createRequire as __createRequire } from 'node:module';
import { dirname as __toDirname } from 'node:path';
import { fileURLToPath as __toPath } from 'node:url';
const require = __createRequire(import.meta.url), __filename = __toPath(import.meta.url), __dirname = __toDirname(__filename);`;
