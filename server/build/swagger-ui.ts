import { copyFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { swaggerUiFiles } from '../src/swagger-ui-folder.ts';

/** Copies the files of Swagger UI that `/bff/docs` serves, and their licence, to `swagger-ui` in a folder of built code. */
export const copySwaggerUi = (dist: string): void => {
  const source = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const target = join(dist, 'swagger-ui');
  mkdirSync(target, { recursive: true });
  for (const name of [...swaggerUiFiles, 'LICENSE', 'NOTICE']) copyFileSync(join(source, name), join(target, name));
};
