export type Instruction =
  | { kind: 'workdir'; path: string }
  | { kind: 'copy'; from: string | null; sources: string[]; destination: string }
  | { kind: 'run'; command: string }
  | { kind: 'env'; entries: Record<string, string> }
  | { kind: 'user'; user: string }
  | { kind: 'expose'; ports: number[] }
  | { kind: 'healthcheck'; flags: Record<string, string>; command: string[] }
  | { kind: 'cmd'; command: string[] };

export type Stage = { name: string; from: string; instructions: Instruction[] };

/** A command as JSON, which starts the program itself and no shell that would keep its signals. */
const toCommand = (text: string): string[] => {
  const command: unknown = text.startsWith('[') ? JSON.parse(text) : null;
  if (Array.isArray(command) && command.every((part): part is string => typeof part === 'string')) return command;
  throw new Error(`Dockerfile: expected a command in exec form, got: ${text}`);
};

/** Takes the `--name=value` at the beginning off. */
const takeFlags = (text: string): { flags: Record<string, string>; rest: string } => {
  const flags: Record<string, string> = {};
  let rest = text;
  for (let match = /^--([a-z-]+)=(\S+)\s+/.exec(rest); match !== null; match = /^--([a-z-]+)=(\S+)\s+/.exec(rest)) {
    const [whole, name = '', value = ''] = match;
    flags[name] = value;
    rest = rest.slice(whole.length);
  }
  if (rest.startsWith('--')) throw new Error(`Dockerfile: cannot read the flag of: ${text}`);
  return { flags, rest };
};

const toCopy = (text: string): Instruction => {
  const { flags, rest } = takeFlags(text);
  const { from = null, ...others } = flags;
  if (Object.keys(others).length > 0) throw new Error(`Dockerfile: cannot read COPY ${text}`);
  const words = rest.split(/\s+/);
  const destination = words.at(-1) ?? '';
  const sources = words.slice(0, -1);
  if (sources.length === 0 || (sources.length > 1 && !destination.endsWith('/'))) {
    throw new Error(`Dockerfile: COPY of several needs a folder, ending in a slash: ${text}`);
  }
  return { kind: 'copy', from, sources, destination };
};

const toHealthcheck = (text: string): Instruction => {
  const { flags, rest } = takeFlags(text);
  if (!rest.startsWith('CMD ')) throw new Error(`Dockerfile: cannot read HEALTHCHECK ${text}`);
  return { kind: 'healthcheck', flags, command: toCommand(rest.slice('CMD '.length).trim()) };
};

const toEnv = (text: string): Instruction => {
  if (/["'\\$]/.test(text)) throw new Error(`Dockerfile: cannot read ENV ${text}`);
  const pairs = text.split(/\s+/).map((pair) => pair.split(/=(.*)/s, 2));
  return { kind: 'env', entries: Object.fromEntries(pairs.map(([name = '', value = '']) => [name, value])) };
};

const toInstruction = (keyword: string, text: string): Instruction => {
  switch (keyword) {
    case 'WORKDIR':
      return { kind: 'workdir', path: text };
    case 'COPY':
      return toCopy(text);
    case 'RUN':
      return { kind: 'run', command: text };
    case 'ENV':
      return toEnv(text);
    case 'USER':
      return { kind: 'user', user: text };
    case 'EXPOSE':
      return { kind: 'expose', ports: text.split(/\s+/).map(Number) };
    case 'HEALTHCHECK':
      return toHealthcheck(text);
    case 'CMD':
      return { kind: 'cmd', command: toCommand(text) };
    default:
      throw new Error(`Dockerfile: cannot read ${keyword} ${text}`);
  }
};

/** Reads the instructions that ours has, and refuses all others rather than guess. Source: Docker's Dockerfile reference. */
export const parseDockerfile = (text: string): Stage[] => {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const stages: Stage[] = [];
  for (const line of lines) {
    const [, keyword = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    if (keyword === 'FROM') {
      const [, from = '', name = ''] = /^(\S+) AS (\S+)$/.exec(rest) ?? [];
      if (name === '') throw new Error(`Dockerfile: cannot read FROM ${rest}`);
      stages.push({ name, from, instructions: [] });
      continue;
    }
    const stage = stages.at(-1);
    if (stage === undefined) throw new Error(`Dockerfile: ${keyword} stands before FROM.`);
    stage.instructions.push(toInstruction(keyword, rest));
  }
  return stages;
};
