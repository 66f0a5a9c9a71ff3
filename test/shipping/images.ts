import { inject } from 'vitest';
import type { Image } from './build-images.ts';

/** What `setup.ts` has built, by the names of their stages. */
export const images = (): Map<string, Image> => new Map(inject('images'));

export const imageOf = (stage: string): Image => {
  const image = images().get(stage);
  if (image === undefined) throw new Error(`The Dockerfile has no stage ${stage}.`);
  return image;
};
