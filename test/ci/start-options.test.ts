import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { instructionsOf } from '../shipping/dockerfile.ts';
import { root } from '../support/processes/run-process.ts';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const optionsIn = (command: string): string[] => command.match(/--[\w=-]+/g) ?? [];

it('npm start, the image and the systemd unit start Node with the same young generation', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: { start: string } };
  const [, ofImage = ''] = /^CMD (.*)$/m.exec(instructionsOf('production')) ?? [];
  const [, ofUnit = ''] = /^ExecStart=(.*)$/m.exec(read('deploy/auth-bff.service')) ?? [];
  for (const command of [scripts.start, ofImage, ofUnit]) {
    expect(optionsIn(command)).toEqual(['--min-semi-space-size=16']);
  }
});
