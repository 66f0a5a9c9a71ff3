export * from '@auth-bff/middleware/fastify';
