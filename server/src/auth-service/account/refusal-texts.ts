import type { UpstreamResponse } from '../transport.ts';
import { isJson } from '../response-errors.ts';

/** A text of a refused request. `field`: the upstream name of the field that it stands under, or null. */
export type RefusalText = { field: string | null; text: string };

/** Bounds on hostile bodies. Genuine refusals are shorter and less nested. */
const maxDepth = 6;
const maxTexts = 50;
const maxEntries = 200;
const maxTextLength = 1_000;

/** Fields that hold codes and flags, not texts. */
const ignored = new Set(['code', 'status', 'status_code', 'success', 'otp_required', 'expires_in_minutes']);

const parse = ({ body, contentType }: UpstreamResponse): unknown => {
  if (!isJson(contentType)) return null;
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
};

/**
 * The texts of a refusal, with the field that each one stands under. Only names in `fields` count as fields: all others,
 * such as `errors` and `non_field_errors`, wrap. Empty for a body other than JSON.
 */
export const refusalTextsOf = (response: UpstreamResponse, fields: ReadonlyMap<string, string>): RefusalText[] => {
  const texts: RefusalText[] = [];
  let entries = 0;
  const collect = (value: unknown, field: string | null, depth: number): void => {
    entries += 1;
    if (texts.length >= maxTexts || entries > maxEntries) return;
    if (typeof value === 'string') {
      const text = value.slice(0, maxTextLength).trim();
      if (text !== '') texts.push({ field, text });
      return;
    }
    if (typeof value !== 'object' || value === null || depth >= maxDepth) return;
    if (Array.isArray(value)) {
      for (const inner of value.slice(0, maxEntries)) collect(inner, field, depth + 1);
      return;
    }
    for (const [name, inner] of Object.entries(value).slice(0, maxEntries)) {
      if (!ignored.has(name)) collect(inner, fields.has(name) ? name : field, depth + 1);
    }
  };
  collect(parse(response), null, 0);
  return texts;
};

export type RefusalMeaning =
  | 'second_factor_disabled'
  | 'code'
  | 'reset_link'
  | 'current_password'
  | 'new_password'
  | 'no_such_person'
  | 'unknown';

const wrong = /\b(in ?correct|in ?valid|wrong|mismatch)\b/;
const anyOf = (...patterns: RegExp[]) => new RegExp(patterns.map(({ source }) => source).join('|'), 'i');

/** In this order: the first one that matches counts. */
const patterns: ReadonlyArray<[RefusalMeaning, RegExp]> = [
  [
    'second_factor_disabled',
    /\b(2fa|otp|two[- ]factor( authentication)?|second factor)\b.*\bnot (currently )?(enabled|active|set up)\b/i,
  ],
  ['code', new RegExp(`${wrong.source}.*\\b(otp|code)\\b|\\b(otp|code)\\b.*(${wrong.source}|\\bexpired\\b)`, 'i')],
  [
    'reset_link',
    /\b(invalid|expired|used)\b.*\b(token|link)\b|\b(token|link)\b.*\b(invalid|expired|used|not valid|no longer valid)\b/i,
  ],
  [
    'no_such_person',
    /\b(user|employee|account|person|e-?mail( address)?)\b.*\b(not found|not exist|doesn['’]t exist|not registered)\b|\bno\b.{0,20}\b(user|employee|account|person)\b/i,
  ],
  [
    'current_password',
    /^(your |the )?(old|current|existing) password (is |was |does |did )?(in ?correct|in ?valid|wrong|not )/i,
  ],
  [
    'new_password',
    anyOf(
      /\bpasswords?\b.*\b(match|mismatch|different|same as|too (common|short|long|similar|weak|simple)|breach(es|ed)?|leaked|compromised|contains?|at (least|most)|numeric|characters?|reused?|previous(ly)?)\b/,
      /\bnew passwords?\b/,
    ),
  ],
  [
    'current_password',
    new RegExp(`${wrong.source}.*\\b(password|credentials)\\b|\\bpassword\\b.*${wrong.source}`, 'i'),
  ],
];

/** The meaning of a text, which the service tells by words only. */
export const meaningOf = (text: string): RefusalMeaning =>
  patterns.find(([, pattern]) => pattern.test(text))?.[0] ?? 'unknown';

const maxShownLength = 200;
/** Line breaks and other control characters, and characters that change the direction of a text. */
const notOneLine = /[\p{Cc}\p{Cf}\u2028\u2029]/u;
const markup = /[<>]|&(#|[a-z]+;)|https?:/i;

const fold = (text: string): string => text.normalize('NFKC').toLowerCase();

/**
 * Whether a text may be shown to the person: one short line without markup and e-mail addresses, that repeats none of the
 * `sent` values. Those include passwords.
 */
export const isPlainText = (text: string, sent: readonly string[]): boolean => {
  if (text.length > maxShownLength || notOneLine.test(text) || markup.test(text) || text.includes('@')) return false;
  const folded = fold(text);
  return !sent.some((value) => value.trim() !== '' && folded.includes(fold(value.trim())));
};
