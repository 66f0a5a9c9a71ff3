import { rmSync } from 'node:fs';
import { capturedFolder } from './captured.ts';

/** Before the run: what an earlier one captured is of no interest. */
export const setup = (): void => rmSync(capturedFolder, { recursive: true, force: true, maxRetries: 5 });
