/**
 * Defines CommonJS's `require`, `__filename` and `__dirname` for CommonJS packages inside an ES module bundle. Its own names begin
 * with `__`, because they share the scope of the bundle.
 */
export const commonJs = `import { createRequire as __createRequire } from 'node:module';
import { dirname as __toDirname } from 'node:path';
import { fileURLToPath as __toPath } from 'node:url';
const require = __createRequire(import.meta.url), __filename = __toPath(import.meta.url), __dirname = __toDirname(__filename);`;
