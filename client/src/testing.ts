export { createTestBff, type TestBff, type TestBffOptions, type TestCall } from './testing/create-test-bff.ts';
export type { ProcedurePath } from './testing/procedure-rules.ts';
export { type FailureReason, type TestError, type TestErrorOptions, testError } from './testing/test-error.ts';
export type { TestProcedures } from './testing/test-procedures.ts';
export type { TestPerson, TestSession } from './testing/test-session.ts';
