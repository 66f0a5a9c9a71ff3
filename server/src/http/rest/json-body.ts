import { OutputText } from '../../api/output-text.ts';
import { type ByteText, toByteText } from '../../platform/byte-text.ts';
import { recordsPerSlice, slices } from '../../platform/cooperative-yield.ts';

/** Waits before each further part. `source`: whose work it is, for a fair share between sources. */
export type JsonBodyOptions = { recordsPerPart?: number; beforePart: (records: number) => Promise<void> | undefined };

const isLong = (member: unknown, recordsPerPart: number): member is unknown[] =>
  Array.isArray(member) && member.length > recordsPerPart;

/** JSON in UTF-8, with long arrays written in parts, so that they do not block the event loop. Times are ISO 8601. */
export const writeJsonInParts = async (
  data: object,
  { recordsPerPart = recordsPerSlice, beforePart }: JsonBodyOptions,
): Promise<Buffer> => {
  const parts: Buffer[] = [];
  let text = '{';
  for (const [index, [key, member]] of Object.entries(data).entries()) {
    text += `${index === 0 ? '' : ','}${JSON.stringify(key)}:`;
    if (!isLong(member, recordsPerPart)) {
      text += JSON.stringify(member);
      continue;
    }
    for (let from = 0; from < member.length; from += recordsPerPart) {
      const part = member.slice(from, from + recordsPerPart);
      if (from > 0) {
        parts.push(Buffer.from(text));
        text = '';
        await beforePart(part.length);
      }
      text += `${from === 0 ? '[' : ','}${JSON.stringify(part).slice(1, -1)}`;
    }
    text += ']';
  }
  parts.push(Buffer.from(`${text}}`));
  return Buffer.concat(parts);
};

/** Whether an output has a member that is written in parts. All outputs with many records are objects. */
const hasLongMember = (data: unknown): data is object =>
  typeof data === 'object' &&
  data !== null &&
  !Array.isArray(data) &&
  Object.values(data).some((member) => isLong(member, recordsPerSlice));

/** The body of a response, from several turns of the event loop if it is long. */
export const toJsonBody = (output: unknown, source: string): ByteText | Promise<Buffer> => {
  if (output instanceof OutputText) return output.json;
  return hasLongMember(output)
    ? writeJsonInParts(output, { beforePart: (records) => slices.take(records, source) })
    : toByteText(JSON.stringify(output));
};
