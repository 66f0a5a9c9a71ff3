export const createTestBff = () => ({ fetch: globalThis.fetch });
