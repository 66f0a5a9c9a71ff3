// Imported before the service is, for tests in which the Auth Service is slow on purpose, and no deadline is meant to pass.
AbortSignal.timeout = () => new AbortController().signal;
