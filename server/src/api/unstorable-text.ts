import type { InputIssue } from '@auth-bff/shared';
import { hiddenName, isInputName } from './input-names.ts';

const nul = '\0';
/** Maximum number of issues in an error. */
const maxIssues = 20;
/** Maximum number of characters of a path in an error. */
const maxPathLength = 200;

/** Whether databases and UTF-8 can hold the text: it has no NUL character and no unpaired surrogate. */
const isStorable = (text: string): boolean => !text.includes(nul) && text.isWellFormed();

/** The error message for unstorable text. */
const expectationOf = (text: string, what: string): string =>
  text.includes(nul) ? `Expected ${what} without NUL characters` : `Expected ${what} without unpaired surrogates`;

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Whether all strings and keys of a JSON value are storable. Iterative, because JSON may be deeply nested. */
const isAllStorable = (json: unknown): boolean => {
  if (typeof json === 'string') return isStorable(json);
  if (!isObject(json)) return true;
  const left: object[] = [json];
  const isGood = (child: unknown): boolean => {
    if (typeof child === 'string') return isStorable(child);
    if (isObject(child)) left.push(child);
    return true;
  };
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    // `Object.entries` of an array of 500 ids takes 80 times as long.
    if (Array.isArray(value)) {
      for (const child of value) if (!isGood(child)) return false;
    } else {
      for (const key of Object.keys(value)) {
        if (!isStorable(key) || !isGood((value as Record<string, unknown>)[key])) return false;
      }
    }
  }
  return true;
};

type Place = { value: unknown; key: string; parent: Place | null };

/** The parts of superjson's format around an input. */
const wrappers: ReadonlySet<string> = new Set(['json', 'meta', 'values']);

const shownKey = (key: string, parent: Place): string =>
  Array.isArray(parent.value) || wrappers.has(key) || isInputName(key) ? key : hiddenName;

/** Such as `ids.3`. */
const toPath = (place: Place): string => {
  const keys: string[] = [];
  for (let at: Place | null = place; at?.parent != null; at = at.parent) keys.push(shownKey(at.key, at.parent));
  const path = keys.toReversed().join('.');
  return path.length > maxPathLength ? `${path.slice(0, maxPathLength)}…` : path;
};

const findIssues = (json: unknown): InputIssue[] => {
  const issues: InputIssue[] = [];
  const left: Place[] = [{ value: json, key: '', parent: null }];
  for (let place = left.pop(); place !== undefined && issues.length < maxIssues; place = left.pop()) {
    const { value, key } = place;
    if (!isStorable(key)) issues.push({ path: toPath(place), message: expectationOf(key, 'a key') });
    if (typeof value === 'string' && !isStorable(value)) {
      issues.push({ path: toPath(place), message: expectationOf(value, 'text') });
    }
    if (!isObject(value)) continue;
    for (const [name, child] of Object.entries(value).toReversed())
      left.push({ value: child, key: name, parent: place });
  }
  return issues;
};

/** The first 20 places with unstorable text in a JSON value. */
export const unstorableIssuesOf = (json: unknown): InputIssue[] => (isAllStorable(json) ? [] : findIssues(json));
