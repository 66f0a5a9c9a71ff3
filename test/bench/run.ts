import { measureAssignments } from './assignments.ts';
import { measureClientSize } from './client-size.ts';

const print = (line: string) => void process.stdout.write(`${line}\n`);

print('Client, bundled by esbuild for browsers, beside plain tRPC in the same run:');
await measureClientSize(print);
print('\nTurns with a key each, of five candidates, 50 at once; medians of 5 rounds:');
await measureAssignments(print);
