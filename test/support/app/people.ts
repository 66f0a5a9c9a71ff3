/** A seeded staff user: number and credentials. */
export const john = { type: 'staff', id: 123 } as const;
export const johnsCredentials = { email: 'user@example.com', password: 'staff-pass-1' } as const;
