/** Where version 1 of the API keeps what SDKs register, in every copy of the package. */
const registered = Symbol.for('opentelemetry.js.api.1');

/**
 * Whether an OpenTelemetry SDK may be registered. If not, `@opentelemetry/api` is not loaded: its forty files are a twelfth of the
 * start. Some tracing tools only register when the API is imported, so any option of Node that may load a tool counts.
 */
export const mayHaveSdk = (): boolean =>
  registered in globalThis || process.execArgv.length > 0 || (process.env.NODE_OPTIONS ?? '') !== '';
