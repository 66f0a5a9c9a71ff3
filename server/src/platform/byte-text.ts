/**
 * Text in UTF-8, as a string with one character for each byte. V8 needs one byte for each of its characters, and Node sends
 * it as `latin1` without encoding it. An ordinary string with one letter such as ễ takes two bytes for each character, and
 * is encoded in each response.
 */
export type ByteText = string;

export const toByteText = (text: string): ByteText =>
  // As many bytes as characters: the text is ASCII, and both are the same.
  Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString('latin1');

export const toBuffer = (body: ByteText | Buffer): Buffer =>
  typeof body === 'string' ? Buffer.from(body, 'latin1') : body;
