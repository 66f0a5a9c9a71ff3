import { Employee, User, UsersAnswer } from '@auth-bff/shared';
import { z } from 'zod';
import type { ByteText } from '../platform/byte-text.ts';
import { OutputText, toOutputText } from './output-text.ts';
import { toUserText } from './user-text.ts';

export type OutputWriter = {
  /** The text of a record that was written before. */
  known: (answer: unknown) => OutputText | undefined;
  /** Checks the answer of a resolver by the output schema. Returns the checked output, or its text. Throws a ZodError. */
  write: (answer: unknown) => unknown;
};
type Write = OutputWriter['write'];

/** A record that was checked and written cannot change any more: its text is what callers get. */
const freezeRecord = (record: object): void => {
  for (const member of Object.values(record)) {
    if (Array.isArray(member)) for (const entry of member) Object.freeze(entry);
    if (Array.isArray(member)) Object.freeze(member);
  }
  Object.freeze(record);
};

const isText = (output: unknown): output is OutputText => output instanceof OutputText;

const createSchemaWriter =
  (schema: z.ZodType<object>): Write =>
  (record) => {
    const output = schema.parse(record);
    return toOutputText(output) ?? output;
  };

/**
 * Makes V8 hold the text in one piece, as most operations on it do. A string that was joined keeps all of its parts until
 * then: 500 bytes more for a user.
 */
const joinParts = (text: ByteText): void => {
  Buffer.byteLength(text);
};

/**
 * Keeps what is written. The directory returns the same object for the same record, such as a user, so its text is written
 * once, and kept for as long as the record is.
 */
const keepTexts = (write: Write): OutputWriter => {
  const texts = new WeakMap<object, OutputText>();
  const known = (record: unknown) => texts.get(record as object);
  return {
    known,
    write(record) {
      const text = known(record);
      if (text !== undefined) return text;
      const output = write(record);
      if (!isText(output)) return output;
      freezeRecord(record as object);
      joinParts(output.superjson);
      texts.set(record as object, output);
      return output;
    },
  };
};

const keepNone = (write: Write): OutputWriter => ({ known: () => undefined, write });

const Ids = z.array(z.number());

/** Joins the texts of the users. */
const createUsersWriter =
  (writeUser: Write): Write =>
  (answer) => {
    const { users, notFound } = answer as UsersAnswer;
    const texts = users.map(writeUser);
    if (!texts.every(isText)) return UsersAnswer.parse(answer);
    const records = texts.map(({ json }) => json).join(',');
    return new OutputText(
      `{"users":[${records}],"notFound":${JSON.stringify(Ids.parse(notFound))}}`,
      texts.flatMap(({ timePaths }, index) => timePaths.map((path) => `users.${index}.${path}`)),
    );
  };

const writeUserBySchema = createSchemaWriter(User);
const userWriter = keepTexts((record) => toUserText(record) ?? writeUserBySchema(record));

const writers = new Map<z.ZodType, OutputWriter>([
  [User, userWriter],
  [UsersAnswer, keepNone(createUsersWriter(userWriter.write))],
  [Employee, keepTexts(createSchemaWriter(Employee))],
]);

/** The writer for outputs of a schema. Outputs other than records of the directory are only checked. */
export const outputWriterOf = (schema: z.ZodType): OutputWriter =>
  writers.get(schema) ?? keepNone((answer) => schema.parse(answer));
