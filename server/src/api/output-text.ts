import { writeOutput } from './output-transformer.ts';

const toMeta = (timePaths: readonly string[]): string => {
  if (timePaths.length === 0) return '';
  const values = timePaths.map((path) => `${JSON.stringify(path)}:["Date"]`);
  return `,"meta":{"values":{${values.join(',')}},"v":1}`;
};

/** Of outputs with the same list of times: all users share one. */
const metas = new WeakMap<readonly string[], string>();

/** The JSON of an output that its schema has checked. */
export class OutputText {
  /** Plain JSON, with times as ISO 8601. */
  readonly json: string;
  /** The paths of the members that are times, as superjson writes them: `joinedAt`, `users.0.joinedAt`. */
  readonly timePaths: readonly string[];

  constructor(json: string, timePaths: readonly string[]) {
    this.json = json;
    this.timePaths = timePaths;
  }

  /** The same bytes as superjson. */
  toSuperjson(): string {
    const { json, timePaths } = this;
    let meta = metas.get(timePaths);
    if (meta === undefined) {
      meta = toMeta(timePaths);
      metas.set(timePaths, meta);
    }
    return `{"json":${json}${meta}}`;
  }
}

/** Null: superjson changes or annotates more than the times of this output. */
export const toOutputText = (output: object): OutputText | null => {
  const { json, meta } = writeOutput(output);
  // superjson has made a copy.
  if (json !== output) return null;
  return new OutputText(JSON.stringify(json), Object.keys(meta?.values ?? {}));
};
