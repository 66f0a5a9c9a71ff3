import { type AuthRequest, type AuthResponse, json, readJson } from '../http-messages.ts';

export type Fields = Readonly<Record<string, unknown>>;
type ReadFields = { ok: true; fields: Fields } | { ok: false; answer: AuthResponse };

/** Django keeps the last value of a name. Files are Buffers. */
const toFields = async (form: FormData): Promise<Fields> => {
  const entries = [...form].map(
    async ([name, value]): Promise<[string, unknown]> => [
      name,
      typeof value === 'string' ? value : Buffer.from(await value.arrayBuffer()),
    ],
  );
  return Object.fromEntries(await Promise.all(entries));
};

/** The fields of a body as JSON, as a form, or as a form with files, or Django's response to an unreadable one. */
export const readFields = async (request: AuthRequest): Promise<ReadFields> => {
  const type = request.headers['content-type'] ?? '';
  if (request.bytes.length === 0) return { ok: true, fields: {} };
  if (!/^(multipart\/form-data|application\/x-www-form-urlencoded)\b/i.test(type)) return readJson(request);
  try {
    const form = await new Response(new Uint8Array(request.bytes), { headers: { 'content-type': type } }).formData();
    return { ok: true, fields: await toFields(form) };
  } catch {
    return { ok: false, answer: json(400, { detail: 'Multipart form parse error - Invalid boundary in multipart' }) };
  }
};

type Texts<Name extends string> = { ok: true; texts: Record<Name, string> } | { ok: false; answer: AuthResponse };

/** Required texts, or Django's response to missing ones. */
export const readRequired = async <Name extends string>(
  request: AuthRequest,
  names: readonly Name[],
): Promise<Texts<Name>> => {
  const read = await readFields(request);
  if (!read.ok) return read;
  const errors: Record<string, string[]> = {};
  const texts: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = read.fields[name];
    // Django also takes numbers.
    const text = typeof value === 'string' || typeof value === 'number' ? String(value) : null;
    if (value === undefined) errors[name] = ['This field is required.'];
    else if (value === null) errors[name] = ['This field may not be null.'];
    else if (text === null) errors[name] = ['Not a valid string.'];
    else if (text.trim() === '') errors[name] = ['This field may not be blank.'];
    else texts[name] = text;
  }
  return Object.keys(errors).length === 0
    ? { ok: true, texts: texts as Record<Name, string> }
    : { ok: false, answer: json(400, errors) };
};
