/** Where the BFF answers tRPC. */
export const trpcPath = '/trpc';

/** The JWT cookies, by the names that the Auth Service gives them. */
export const accessCookie = 'access_token';
export const refreshCookie = 'refresh_token';

/** Remembers which accounts signed in from this browser, encrypted: strangers cannot use up the tries of these accounts. */
export const deviceCookie = 'auth_bff_device';

/** Browsers drop a cookie whose name and value have more bytes than this together. Source: RFC 6265bis, section 5.6. */
export const maxCookieBytes = 4_096;

/** The bytes of a cookie that browsers count. Tokens are ASCII. */
export const cookieBytes = (name: string, value: string): number => name.length + value.length;

/** Whether a cookie's value says that it was deleted: Django writes the empty value as `""`. */
export const isEmptyCookie = (value: string): boolean => value === '' || value === '""';

/** The header that every POST carries, and its one value: a cross-site form cannot send it. */
export const csrfHeader = 'x-csrf';
export const csrfValue = '1';

/** The caller's own request id is kept where it has this form; otherwise the BFF makes one. */
export const requestIdHeader = 'x-request-id';
export const requestIdPattern = /^[A-Za-z0-9_-]{1,64}$/;

/** Whole seconds that the session of this answer still lives, and after which it should be refreshed. */
export const sessionExpiresInHeader = 'x-session-expires-in';
export const sessionRefreshInHeader = 'x-session-refresh-in';

/** Whose session the response was answered for, such as `staff:123`. */
export const sessionUserHeader = 'x-session-user';

/** `1` where something in the answer comes from a stale cache. */
export const directoryStaleHeader = 'x-directory-stale';

/** What scripts of an allowed origin may read. */
export const exposedHeaders = [
  requestIdHeader,
  sessionExpiresInHeader,
  sessionRefreshInHeader,
  sessionUserHeader,
  directoryStaleHeader,
  'retry-after',
];

/** What the server takes, and so what the client keeps to. Each alone, so that a frontend bundles those it uses. */
export const maxBodyBytes = 100_000;
export const maxCallsPerBatch = 50;
export const maxUrlBytes = 12_000;
/** The longest URL that the client sends, in bytes: 500 ids of any length fit into one call. */
export const maxClientUrlBytes = 11_500;
export const maxIdsPerCall = 500;
