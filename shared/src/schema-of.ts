import type { z } from 'zod';

type IsEqual<A, B> = (<T>() => T extends A ? T : never) extends <T>() => T extends B ? T : never ? true : false;

/**
 * Gives a schema the named type that it validates: `schemaOf<User>()(z.object({ … }))`. Declarations and editors then show
 * `User`, not the structure that zod infers. It does not compile if the schema's output and the named type differ.
 */
export const schemaOf =
  <Named>() =>
  <Schema extends z.ZodType>(
    schema: IsEqual<z.output<Schema>, Named> extends true ? Schema : never,
  ): z.ZodType<Named, Named> =>
    schema as z.ZodType as z.ZodType<Named, Named>;
