import { writeOutput } from './output-transformer.ts';

const toMeta = (timePaths: readonly string[]): string => {
  if (timePaths.length === 0) return '';
  const values = timePaths.map((path) => `${JSON.stringify(path)}:["Date"]`);
  return `,"meta":{"values":{${values.join(',')}},"v":1}`;
};

/** The JSON of an output that its schema has checked. */
export class OutputText {
  /** Plain JSON, with times as ISO 8601. */
  readonly json: string;
  /** The paths of the members that are times, as superjson writes them: `joinedAt`, `users.0.joinedAt`. */
  readonly timePaths: readonly string[];
  /** What superjson writes beside the JSON. Kept, because the text of a record is written many times. */
  #meta: string | null = null;

  constructor(json: string, timePaths: readonly string[]) {
    this.json = json;
    this.timePaths = timePaths;
  }

  /** The same bytes as superjson. */
  toSuperjson(): string {
    this.#meta ??= toMeta(this.timePaths);
    return `{"json":${this.json}${this.#meta}}`;
  }
}

/** Null: superjson changes or annotates more than the times of this output. */
export const toOutputText = (output: object): OutputText | null => {
  const { json, meta } = writeOutput(output);
  // superjson has made a copy.
  if (json !== output) return null;
  return new OutputText(JSON.stringify(json), Object.keys(meta?.values ?? {}));
};
