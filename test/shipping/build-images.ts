import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { parseDockerfile, type Stage } from './dockerfile.ts';
import { createIgnore, type Ignore } from './dockerignore.ts';

const execute = promisify(execFile);

/** What a stage of a Dockerfile has come to. */
export type Image = {
  /** The folder that stands for `/`. */
  root: string;
  /** What the first of its stages is from, such as `node:20-slim`. */
  base: string;
  workdir: string;
  env: Record<string, string>;
  user: string | null;
  exposed: number[];
  healthcheck: { flags: Record<string, string>; command: string[] } | null;
  command: string[] | null;
};

export type BuildOptions = {
  /** Where the Dockerfile is, and what it copies from. */
  context: string;
  /** An empty folder, in which each stage gets its own. */
  folder: string;
};

const filesUnder = (path: string): string[] =>
  statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, encoding: 'utf8', withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name))
    : [path];

/** What of a source is in the context. Docker does not know a source that is ignored whole, and fails. */
const copyFromContext = (context: string, isIgnored: Ignore, source: string, destination: string) => {
  const from = join(context, source);
  const files = filesUnder(from).filter((file) => !isIgnored(relative(context, file)));
  if (files.length === 0) throw new Error(`COPY ${source}: there is no such file, or .dockerignore keeps it away.`);
  for (const file of files) {
    const to = join(destination, relative(from, file));
    mkdirSync(dirname(to), { recursive: true });
    cpSync(file, to, { verbatimSymlinks: true });
  }
};

/** What npm needs to reach its registry from this machine, and its cache, which is all that a RUN gets of its environment. */
const ofThisMachine = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value !== undefined && /^(PATH|HOME|(https?|no)_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR))$/i.test(name)
        ? [[name, value]]
        : [],
    ),
  );

const runStep = async (command: string, image: Image) => {
  const cwd = join(image.root, image.workdir);
  const env = { ...ofThisMachine(), ...image.env };
  await execute('/bin/sh', ['-c', command], { cwd, env, maxBuffer: 64e6 }).catch((error: unknown) => {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`RUN ${command} failed:\n${stdout}${stderr}`, { cause: error });
  });
};

/**
 * Does what a container engine does with our Dockerfile, where none is at hand: each stage becomes a folder, in which its
 * own steps are taken one by one. What a folder cannot show: the base image (its Node is this one), absolute paths in RUN.
 */
export const buildImages = async ({ context, folder }: BuildOptions): Promise<Map<string, Image>> => {
  const stages = parseDockerfile(readFileSync(join(context, 'Dockerfile'), 'utf8'));
  const isIgnored = createIgnore(readFileSync(join(context, '.dockerignore'), 'utf8'));
  const images = new Map<string, Image>();

  const begin = async (stage: Stage): Promise<Image> => {
    const parent = images.get(stage.from);
    const root = join(folder, stage.name);
    if (parent === undefined) {
      mkdirSync(root);
      const base = stage.from;
      return { root, base, workdir: '/', env: {}, user: null, exposed: [], healthcheck: null, command: null };
    }
    const changes = stage.instructions.some(({ kind }) => kind === 'copy' || kind === 'run');
    if (changes) await execute('cp', ['-a', parent.root, root]);
    return { ...parent, root: changes ? root : parent.root };
  };

  const copy = async (image: Image, from: string | null, source: string, destination: string) => {
    const at = destination.startsWith('/') ? destination : join(image.workdir, destination);
    const into = join(image.root, at);
    const origin = from === null ? null : images.get(from);
    if (origin === undefined) throw new Error(`COPY --from=${from}: there is no such stage.`);
    const path = join(origin === null ? context : origin.root, source);
    const isFolder = statSync(path).isDirectory();
    const to = !isFolder && /(^|\/)(\.\/?)?$/.test(destination) ? join(into, basename(source)) : into;
    if (origin === null) return copyFromContext(context, isIgnored, source, to);
    mkdirSync(isFolder ? to : dirname(to), { recursive: true });
    await execute('cp', ['-a', isFolder ? `${path}/.` : path, to]);
  };

  const take = async (image: Image, instruction: Stage['instructions'][number]): Promise<Image> => {
    switch (instruction.kind) {
      case 'workdir':
        mkdirSync(join(image.root, instruction.path), { recursive: true });
        return { ...image, workdir: instruction.path };
      case 'copy':
        for (const source of instruction.sources) await copy(image, instruction.from, source, instruction.destination);
        return image;
      case 'run':
        await runStep(instruction.command, image);
        return image;
      case 'env':
        return { ...image, env: { ...image.env, ...instruction.entries } };
      case 'user':
        return { ...image, user: instruction.user };
      case 'expose':
        return { ...image, exposed: [...image.exposed, ...instruction.ports] };
      case 'healthcheck':
        return { ...image, healthcheck: { flags: instruction.flags, command: instruction.command } };
      case 'cmd':
        return { ...image, command: instruction.command };
      default:
        return instruction satisfies never;
    }
  };

  for (const stage of stages) {
    let image = await begin(stage);
    for (const instruction of stage.instructions) image = await take(image, instruction);
    images.set(stage.name, image);
  }
  return images;
};
