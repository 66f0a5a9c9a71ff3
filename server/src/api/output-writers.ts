import { Employee, User, UsersAnswer } from '@auth-bff/shared';
import { z } from 'zod';
import { OutputText, toOutputText } from './output-text.ts';
import { toUserText } from './user-text.ts';

/** Checks the answer of a resolver by the output schema. Returns the checked output, or its text. Throws a ZodError. */
export type OutputWriter = (answer: unknown) => unknown;

/** A record that was checked and written cannot change any more: its text is what callers get. */
const freezeRecord = (record: object): void => {
  for (const member of Object.values(record)) {
    if (Array.isArray(member)) for (const entry of member) Object.freeze(entry);
    if (Array.isArray(member)) Object.freeze(member);
  }
  Object.freeze(record);
};

type ToText = (record: unknown) => OutputText | null;

/**
 * Writes records of one schema, such as users. The directory returns the same object for the same record, so its text is
 * written once, and kept for as long as the record is. `toText` is a faster way than the schema for most records.
 */
const createRecordWriter = (schema: z.ZodType<object>, toText: ToText = () => null): OutputWriter => {
  const texts = new WeakMap<object, OutputText>();
  return (record) => {
    const known = texts.get(record as object);
    if (known !== undefined) return known;
    let text = toText(record);
    if (text === null) {
      const output = schema.parse(record);
      text = toOutputText(output);
      if (text === null) return output;
    }
    freezeRecord(record as object);
    texts.set(record as object, text);
    return text;
  };
};

const isText = (output: unknown): output is OutputText => output instanceof OutputText;
const Ids = z.array(z.number());

/** Joins the texts of the users. */
const createUsersWriter =
  (writeUser: OutputWriter): OutputWriter =>
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

const writeUser = createRecordWriter(User, toUserText);

const writers = new Map<z.ZodType, OutputWriter>([
  [User, writeUser],
  [UsersAnswer, createUsersWriter(writeUser)],
  [Employee, createRecordWriter(Employee)],
]);

/** The writer for outputs of a schema. Outputs other than records of the directory are only checked. */
export const outputWriterOf = (schema: z.ZodType): OutputWriter =>
  writers.get(schema) ?? ((answer) => schema.parse(answer));
