import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createPublishedManifest } from '../../client/build/published-manifest.ts';
import { embedPackages } from './embed-packages.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const server = join(root, 'server');
const dist = join(server, 'dist');

const { put, restore } = createPublishedManifest(server);
// A pack that was broken off left the published package.json in place of the workspace's.
restore();
// Nothing of an earlier build is packed.
rmSync(dist, { recursive: true, force: true });
// In this order: each needs the types of those before it.
const workspaces = ['@auth-bff/shared', '@auth-bff/middleware', '@auth-bff/server'];
execFileSync('npm', ['run', 'build', ...workspaces.flatMap((workspace) => ['--workspace', workspace])], {
  cwd: root,
  stdio: 'inherit',
});
embedPackages({
  dist,
  packages: { shared: join(root, 'shared/dist'), middleware: join(root, 'server/middleware/dist') },
});
put();
