export { createTestBff } from './testing/create-test-bff.ts';
