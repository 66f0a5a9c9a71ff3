import { accountPicturePath, restPath } from '@auth-bff/shared';

/** Whether the pattern of a matched route belongs to REST, which answers errors as problems: the mirror, and the picture. */
export const isRestRoute = (pattern: string): boolean =>
  pattern.startsWith(`${restPath}/`) || pattern === accountPicturePath;
