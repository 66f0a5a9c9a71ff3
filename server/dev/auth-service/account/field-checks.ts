import { readImage } from './image.ts';
import type { Fields } from './read-fields.ts';

/** The value to store, or Django's error text. Spaces around a text are removed. */
export type Checked = { value: string | null } | { error: string };
export type FieldCheck = (value: unknown) => Checked;

type TextRules = {
  maxLength: number;
  /** Whether null is accepted, and an empty text stored as null. Default false. */
  nullable?: boolean;
  /** Whether an empty text is accepted. Default: like `nullable`. */
  blank?: boolean;
  /** The error of a text that is not empty. Null: none. */
  error?: (text: string) => string | null;
};

export const checkText =
  ({ maxLength, nullable = false, blank = nullable, error = () => null }: TextRules): FieldCheck =>
  (value) => {
    if (value === null) return nullable ? { value: null } : { error: 'This field may not be null.' };
    if (typeof value !== 'string' && typeof value !== 'number') return { error: 'Not a valid string.' };
    const text = String(value).trim();
    if (text === '' && !blank) return { error: 'This field may not be blank.' };
    if (text === '') return { value: nullable ? null : '' };
    if (text.length > maxLength) return { error: `Ensure this field has no more than ${maxLength} characters.` };
    const found = error(text);
    return found === null ? { value: text } : { error: found };
  };

export const checkChoice = (choices: readonly string[]): FieldCheck =>
  checkText({
    maxLength: Number.POSITIVE_INFINITY,
    blank: true,
    error: (text) => (choices.includes(text) ? null : `"${text}" is not a valid choice.`),
  });

type PictureRules = { maxBytes: number; maxPixels: number };

/** The error text of a picture, which is a file. Null: accepted. */
const pictureError = (value: unknown, { maxBytes, maxPixels }: PictureRules): string | null => {
  if (!Buffer.isBuffer(value)) {
    return 'The submitted data was not a file. Check the encoding type on the form.';
  }
  if (value.length === 0) return 'The submitted file is empty.';
  const image = readImage(value);
  if (image === null) {
    return 'Upload a valid image. The file you uploaded was either not an image or a corrupted image.';
  }
  if (value.length > maxBytes) return 'Profile picture file size must be less than 2MB.';
  return image.width > maxPixels || image.height > maxPixels ? 'Invalid image file.' : null;
};

/**
 * The fields of a profile that pass their checks, or the errors by field. Unknown fields are ignored. A new picture is in
 * `picture`; `profile_picture` is null if it is to be removed.
 */
export const checkFields = (
  fields: Fields,
  checks: Readonly<Record<string, FieldCheck>>,
  pictureRules: PictureRules,
): { errors: Record<string, string[]>; checked: Record<string, unknown> } => {
  const errors: Record<string, string[]> = {};
  const checked: Record<string, unknown> = {};
  for (const [name, checkField] of Object.entries(checks)) {
    if (fields[name] === undefined) continue;
    const result = checkField(fields[name]);
    if ('error' in result) errors[name] = [result.error];
    else checked[name] = result.value;
  }
  const { profile_picture: picture } = fields;
  if (picture === null) checked.profile_picture = null;
  else if (picture !== undefined) {
    const error = pictureError(picture, pictureRules);
    if (error !== null) errors.profile_picture = [error];
    else checked.picture = picture;
  }
  return { errors, checked };
};
