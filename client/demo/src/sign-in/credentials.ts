export type Credentials = { email: string; password: string; as: 'staff' | 'employee' };

export const kinds = ['staff', 'employee'] as const;
export const labelOf = (kind: Credentials['as']) => (kind === 'staff' ? 'Staff' : 'Employee');
