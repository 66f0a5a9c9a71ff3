import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The files of Swagger UI that `/bff/docs` uses. */
export const swaggerUiFiles = ['swagger-ui-bundle.js', 'swagger-ui.css', 'favicon-32x32.png'] as const;

/**
 * The folder of Swagger UI's files. The build copies them beside the code, from which the package and the images are made: the
 * npm package of Swagger UI has 12 MB, and reports its installations to its makers. The sources use the npm package itself.
 */
export const findSwaggerUi = (): string => {
  // The same from `dist` and from a bundle in it, because this module is not loaded lazily.
  const built = fileURLToPath(new URL('./swagger-ui/', import.meta.url));
  if (existsSync(built)) return built;
  return dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
};
