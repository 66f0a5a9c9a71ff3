import type { Config } from '../../config.ts';

export type ListenFailureOptions = {
  listener: 'main' | 'ops';
  config: Pick<Config, 'host' | 'port' | 'opsHost' | 'opsPort'>;
  error: NodeJS.ErrnoException;
};

/** The message for the operator of a service that cannot listen. */
export const toListenFailure = ({ listener, config, error }: ListenFailureOptions): string => {
  const { address, port, variables, action } =
    listener === 'main'
      ? { address: config.host, port: config.port, variables: 'HOST, PORT', action: 'or set PORT to another port' }
      : {
          address: config.opsHost,
          port: config.opsPort,
          variables: 'OPS_HOST, OPS_PORT',
          action: 'set OPS_PORT to another port, or set OPS_PORT=0 to run without metrics',
        };
  return error.code === 'EADDRINUSE'
    ? `Port ${port} is already in use: stop the process that listens there, ${action}.`
    : `Cannot listen on ${address}:${port} (${variables}): ${error.code ?? error.message}`;
};
