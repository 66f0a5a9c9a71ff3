export * from './assignment.ts';
export * from './employee.ts';
export * from './errors.ts';
export * from './protocol.ts';
export * from './roles.ts';
export * from './session.ts';
export * from './status.ts';
export * from './user.ts';
