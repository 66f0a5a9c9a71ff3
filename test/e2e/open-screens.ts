import { expect } from 'vitest';
import type { Site } from './use-desk.ts';

/** A Cumulative Layout Shift of 0.1 counts as good. */
export const maxShift = 0.02;

/** Opens a browser context of `width` px, to look at the screens of the desk in both colour schemes. */
export const openScreens = async (site: Site, width: number) => {
  const visitor = await site.openVisitor({ width, scheme: 'light' });
  const { page, namesAreShown } = visitor;
  const tickets = page.getByRole('list', { name: 'Tickets', exact: true }).getByRole('listitem');

  return {
    visitor,
    page,
    tickets,
    namesAreShown,
    /** Signs in with a second factor, and waits for the tickets and their names. */
    async enter(): Promise<void> {
      await visitor.go();
      await page.getByRole('button', { name: 'Rafael Domingo' }).click();
      await page.getByRole('button', { name: 'Use it' }).click();
      await page.getByRole('button', { name: 'Continue' }).click();
      await tickets.first().waitFor();
      await namesAreShown();
    },
    /** Takes pictures of a screen, and examines it. The shift is that since the last screen, and with the change of colours. */
    async shown(name: string): Promise<void> {
      await visitor.shoot(name);
      const violations = await visitor.examine();
      await page.emulateMedia({ colorScheme: 'dark' });
      await visitor.shoot(name, 'dark');
      const inTheDark = await visitor.examine();
      await page.emulateMedia({ colorScheme: 'light' });
      const shift = await visitor.takeLayoutShift();
      const moved = shift <= maxShift ? 0 : shift;
      const found = { screen: name, violations, inTheDark, overflow: await visitor.overflow(), moved };
      expect(found).toEqual({ screen: name, violations: [], inTheDark: [], overflow: 0, moved: 0 });
    },
    [Symbol.asyncDispose]: visitor[Symbol.asyncDispose],
  };
};
