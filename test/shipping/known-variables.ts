import { variables } from '../../server/src/config/environment.ts';
import { fileVariables } from '../../server/src/config/secret-files.ts';

/** Every environment variable that the configuration reads. */
export const knownVariables = (): ReadonlySet<string> => new Set<string>([...variables, ...fileVariables]);
