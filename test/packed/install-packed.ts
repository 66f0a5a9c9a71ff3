import { createPacking } from './packing.ts';

/** The client as others get it, once beside nothing and once beside React. */
export const installPacked = async () => {
  const packing = createPacking('client');
  const [alone, besideReact] = await Promise.all([
    packing.project('alone'),
    packing.project('beside-react', [
      'react@19',
      '@types/react@19',
      '@tanstack/react-query@5',
      '@trpc/tanstack-react-query@11.22.1',
    ]),
  ]);
  return { ...packing, alone, besideReact };
};

export type Packed = Awaited<ReturnType<typeof installPacked>>;
