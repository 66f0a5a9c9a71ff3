/** A staff user of the seeded people, by number and by what he signs in with. */
export const john = { type: 'staff', id: 123 } as const;
export const johnsCredentials = { email: 'user@example.com', password: 'staff-pass-1' } as const;
