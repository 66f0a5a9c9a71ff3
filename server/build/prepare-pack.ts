import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createPublishedManifest } from '../../client/build/published-manifest.ts';
import { embedShared } from './embed-shared.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const server = join(root, 'server');
const dist = join(server, 'dist');

const { put, restore } = createPublishedManifest(server);
// A pack that was broken off left the published package.json in place of the workspace's.
restore();
// Nothing of an earlier build is packed.
rmSync(dist, { recursive: true, force: true });
execFileSync('npm', ['run', 'build', '--workspace', 'shared', '--workspace', 'server'], {
  cwd: root,
  stdio: 'inherit',
});
embedShared({ dist, shared: join(root, 'shared/dist') });
put();
