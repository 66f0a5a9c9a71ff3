import type { Page } from 'playwright-core';

/** The text of the element with the focus. */
export const focusedText = (page: Page): Promise<string | undefined> =>
  page.evaluate(() => document.activeElement?.textContent?.trim());

/** The id, the labels and the text of the element with the focus. */
const focusedNames = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const element = document.activeElement;
    if (element === null || element === document.body) return [];
    const labels = element instanceof HTMLInputElement ? [...(element.labels ?? [])] : [];
    return [
      element.id,
      element.ariaLabel ?? '',
      ...[...labels, element].map(({ textContent }) => (textContent ?? '').trim()),
    ];
  });

/** Presses the key until the element with this id, label or text has the focus. */
export const tabTo = async (page: Page, wanted: string | RegExp, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> => {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press(key);
    const names = await focusedNames(page);
    if (names.some((name) => (typeof wanted === 'string' ? name === wanted : wanted.test(name)))) return;
  }
  throw new Error(`${key} does not reach ${String(wanted)}.`);
};
