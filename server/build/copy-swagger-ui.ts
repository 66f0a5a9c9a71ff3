import { fileURLToPath } from 'node:url';
import { copySwaggerUi } from './swagger-ui.ts';

copySwaggerUi(fileURLToPath(new URL('../dist/', import.meta.url)));
