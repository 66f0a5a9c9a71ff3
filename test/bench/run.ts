import { measureClientSize } from './client-size.ts';

process.stdout.write('Client, bundled by esbuild for browsers, beside plain tRPC in the same run:\n');
await measureClientSize();
