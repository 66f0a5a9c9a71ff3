/**
 * The headers of a document that is the same for everyone and contains nothing secret: readable from every origin, and
 * cached for five minutes. Its route needs `cors: false`: the plugin would add headers for credentials.
 */
export const publicDocumentHeaders = {
  'access-control-allow-origin': '*',
  'cross-origin-resource-policy': 'cross-origin',
  'cache-control': 'public, max-age=300',
} as const;
