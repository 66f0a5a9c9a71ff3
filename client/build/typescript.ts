// TypeScript 5.9, a dependency of the client's build alone: TypeScript 7, which checks this repo, has no API yet.
import ts from 'typescript';

export { ts };
