import type { HTTPMethods } from 'fastify';
import type { RestProcedure } from '../../api/rest/rest-procedures.ts';

/** A path that REST serves. */
export type RestPath = {
  /** As Fastify writes it: `/users/:id`. */
  pattern: string;
  /** In the order of the table. */
  methods: HTTPMethods[];
};

const isParameter = (segment: string): boolean => segment.startsWith('{');

/** Whether each segment of a path passes against the segment of a pattern in its place. */
const isLike = (
  path: readonly string[],
  pattern: readonly string[],
  passes: (segment: string, own: string) => boolean,
) => pattern.length === path.length && pattern.every((own, index) => passes(path[index] ?? '', own));

const matches = (path: readonly string[], pattern: readonly string[]): boolean =>
  isLike(path, pattern, (segment, own) => isParameter(own) || own === segment);

/** Whether a procedure serves a path, too, because a parameter of its own path accepts the segment: a role may have any name. */
const alsoServes = ({ route, fromPath }: RestProcedure, path: string): boolean => {
  const accepts = (segment: string, own: string) =>
    own === segment || fromPath.some(({ name, schema }) => own === `{${name}}` && schema.safeParse(segment).success);
  return isLike(path.split('/'), route.path.split('/'), accepts);
};

/** HEAD where there is a GET. */
export const methodsOf = ({ route: { method } }: RestProcedure): HTTPMethods[] =>
  method === 'GET' ? ['GET', 'HEAD'] : [method];

/** `/users/{id}` as Fastify writes it: `/users/:id`. */
export const toPattern = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');

/** The paths of procedures, to tell a method that a path does not have from a path that there is not. */
export const createRestPaths = (procedures: readonly RestProcedure[]) => {
  // A brace sorts after all letters, so that a word comes before a parameter in its place, as in Fastify's router.
  const paths = [...new Set(procedures.map(({ route }) => route.path))].toSorted();
  const patterns = paths.map((path) => path.split('/'));

  const toPath = (path: string): RestPath => ({
    pattern: toPattern(path),
    methods: procedures.filter((rest) => alsoServes(rest, path)).flatMap(methodsOf),
  });
  return {
    /** Finds the path that a request is for, whatever its method. `path`: below `/bff/api`, and not decoded. */
    find(path: string): RestPath | null {
      // Fastify's router has refused a path that cannot be decoded.
      const segments = path.split('/').map(decodeURIComponent);
      const found = paths[patterns.findIndex((pattern) => matches(segments, pattern))];
      return found === undefined ? null : toPath(found);
    },
    /** The paths that another pattern matches, too: the router would take `/users/query` for a user. */
    shadowed: (): RestPath[] =>
      paths
        .filter((path) => patterns.filter((pattern) => matches(path.split('/'), pattern)).length > 1)
        .map((path) => toPath(path)),
  };
};
