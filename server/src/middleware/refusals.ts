/** The response to a rejected request. The bodies are exactly those of the guide. */
export type Refusal = { status: 401 | 403; error: string };

export const authenticationRequired: Refusal = { status: 401, error: 'Authentication required' };
export const invalidToken: Refusal = { status: 401, error: 'Invalid token' };
export const insufficientPermissions: Refusal = { status: 403, error: 'Insufficient permissions' };

export const refusalType = 'application/json; charset=utf-8';
export const refusalBody = ({ error }: Refusal): string => JSON.stringify({ error });
