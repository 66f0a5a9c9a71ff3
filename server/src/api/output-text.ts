import { type ByteText, toByteText } from '../platform/byte-text.ts';
import { writeOutput } from './output-transformer.ts';

const [jsonPrefix, superjsonSuffix] = ['{"json":', '}'];

/** What superjson puts behind the JSON. */
const toMeta = (timePaths: readonly string[]): ByteText => {
  if (timePaths.length === 0) return '';
  const values = timePaths.map((path) => `${JSON.stringify(path)}:["Date"]`);
  return toByteText(`,"meta":{"values":{${values.join(',')}},"v":1}`);
};

/** The JSON of an output that its schema has checked. */
export class OutputText {
  /** The same bytes as superjson. */
  readonly superjson: ByteText;
  /** The paths of the members that are times, as superjson writes them: `joinedAt`, `users.0.joinedAt`. */
  readonly timePaths: readonly string[];
  readonly #jsonLength: number;

  /** `json`: plain JSON, with times as ISO 8601. */
  constructor(json: ByteText, timePaths: readonly string[]) {
    this.superjson = `${jsonPrefix}${json}${toMeta(timePaths)}${superjsonSuffix}`;
    this.timePaths = timePaths;
    this.#jsonLength = json.length;
  }

  /** Plain JSON, with times as ISO 8601. A part of the kept text, which V8 does not copy. */
  get json(): ByteText {
    return this.superjson.slice(jsonPrefix.length, jsonPrefix.length + this.#jsonLength);
  }
}

/** Null: superjson changes or annotates more than the times of this output. */
export const toOutputText = (output: object): OutputText | null => {
  const { json, meta } = writeOutput(output);
  // superjson has made a copy.
  if (json !== output) return null;
  return new OutputText(toByteText(JSON.stringify(json)), Object.keys(meta?.values ?? {}));
};
