import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createOpenApiDocument } from '../src/api/rest/openapi-document.ts';
import { readVersion } from '../src/version.ts';
import { breakingChanges } from './openapi-changes.ts';

// Writes docs/openapi.json. Refuses if that breaks clients, unless it is called with --breaking.

const file = fileURLToPath(new URL('../../docs/openapi.json', import.meta.url));
const document = createOpenApiDocument({ version: readVersion() });
const published = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as object) : document;
const changes = breakingChanges(published, document);

if (changes.length > 0 && !process.argv.includes('--breaking')) {
  process.stderr.write(
    `These changes break clients of the REST mirror:\n${changes.map((change) => `  ${change}\n`).join('')}` +
      'Undo them. If they are meant: npm run openapi -- --breaking, and a changeset that names them.\n',
  );
  process.exitCode = 1;
} else {
  writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`);
  process.stdout.write('docs/openapi.json is written.\n');
}
