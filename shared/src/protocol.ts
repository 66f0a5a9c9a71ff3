/** Base path of tRPC. */
export const trpcPath = '/trpc';

/** Base path of the REST mirror. */
export const restPath = '/bff/api';

/** The message for a path without a route. A client whose `url` lacks `/trpc` gets it. */
export const noRouteMessage = (method: string): string =>
  `No route for ${method} at this path: procedures are below ${trpcPath}, and REST is below ${restPath}.`;

/** The picture of the signed-in person: `PUT` and `DELETE`. Beside the REST mirror, because its body is an image. */
export const accountPicturePath = '/bff/account/picture';

/** The OpenAPI document of the REST mirror, and the page that shows it. */
export const openApiPath = '/bff/openapi.json';
export const apiDocsPath = '/bff/docs';

/** Names of the JWT cookies, as set by the Auth Service. */
export const accessCookie = 'access_token';
export const refreshCookie = 'refresh_token';

/** Encrypted list of accounts that signed in from this browser. Attackers cannot use up the sign-in attempts of known devices. */
export const deviceCookie = 'auth_bff_device';

/** Browsers drop cookies whose name and value together exceed this size. Source: RFC 6265bis, section 5.6. */
export const maxCookieBytes = 4_096;

/** Size of a cookie as browsers count it. Assumes ASCII, which tokens are. */
export const cookieBytes = (name: string, value: string): number => name.length + value.length;

/** Whether the cookie was deleted. Django writes an empty value as `""`. */
export const isEmptyCookie = (value: string): boolean => value === '' || value === '""';

/** Required on every POST, because a cross-site form cannot send it. */
export const csrfHeader = 'x-csrf';
export const csrfValue = '1';

/** Authenticates a service that calls without a person. */
export const serviceKeyHeader = 'x-api-key';

/** The BFF keeps a client's request id if it matches the pattern, and otherwise creates one. */
export const requestIdHeader = 'x-request-id';
export const requestIdPattern = /^[A-Za-z0-9_-]{1,64}$/;

/** Identifies a mutation that the caller may repeat, so that the repeat has the outcome of the first call. */
export const idempotencyKeyHeader = 'x-idempotency-key';
export const idempotencyKeyPattern = /^[\x20-\x7e]{1,200}$/;

/** Whole seconds until the session expires, and until it should be refreshed. */
export const sessionExpiresInHeader = 'x-session-expires-in';
export const sessionRefreshInHeader = 'x-session-refresh-in';

/** The person of the session, such as `staff:123`. */
export const sessionUserHeader = 'x-session-user';

/** A person as `x-session-user` and the subject of an assertion name them: such as `staff:123`. */
export const toPersonText = ({ type, id }: { type: string; id: number }): string => `${type}:${id}`;

/** `1` if any data of the response is stale. */
export const directoryStaleHeader = 'x-directory-stale';

/** Response headers that scripts of allowed origins may read (CORS). */
export const exposedHeaders = [
  requestIdHeader,
  sessionExpiresInHeader,
  sessionRefreshInHeader,
  sessionUserHeader,
  directoryStaleHeader,
  'retry-after',
];

/** Limits of the server, which the client observes. Separate constants, so that bundlers can drop unused ones. */
export const maxBodyBytes = 100_000;
/** Maximum size of a picture. The Auth Service accepts as much from staff, and more from employees. */
export const maxPictureBytes = 2 * 1024 * 1024;
export const maxCallsPerBatch = 50;
export const maxUrlBytes = 12_000;
/** Maximum length of the client's URLs. 500 ids of any length fit. */
export const maxClientUrlBytes = 11_500;
export const maxIdsPerCall = 500;
