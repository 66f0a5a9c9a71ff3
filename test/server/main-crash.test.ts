import { expect, it } from 'vitest';
import { startAuthService } from '../../server/dev/auth-service/auth-service.ts';
import { openConnection } from '../support/app/open-connection.ts';
import { queryTarget } from '../support/app/raw-request.ts';
import { apiKey, forgetful, signingKey } from '../support/app/start-app.ts';
import { capture } from '../support/output/captured.ts';
import { runProcess } from '../support/processes/run-process.ts';
import { hold } from '../support/time/hold.ts';
import { serviceEnvironment } from '../support/processes/service-environment.ts';

/** Preloaded into the process: SIGUSR2 makes it fail. */
const failOnSignal = (failure: string) =>
  `data:text/javascript,${encodeURIComponent(`process.on('SIGUSR2', () => { ${failure} })`)}`;

it.each([
  ['uncaught exception', 'uncaughtException', `throw new Error('password=hunter2')`],
  ['unhandled rejection', 'unhandledRejection', `Promise.reject(new Error('password=hunter2'))`],
])(
  'After an %s, main logs it without secrets, answers the in-flight request and exits with 1',
  async (_name, origin, failure) => {
    await using authService = await startAuthService({ signingKey, apiKey });
    await using main = runProcess({
      args: [
        '--import',
        './test/support/time/patient-deadlines.ts',
        '--import',
        failOnSignal(failure),
        'server/src/main.ts',
      ],
      env: serviceEnvironment(authService.url, forgetful),
    });
    const [, url = ''] = await main.printed(/"address":"([^"]+)"/);
    const { until, release } = hold();
    authService.fault('*', { kind: 'hold', until });
    const { access } = await authService.issue({ type: 'staff', id: 123 });
    using connection = await openConnection(url);
    // The second request is in flight once the first one is answered: both arrive in one packet.
    connection.send(
      'GET /health/live HTTP/1.1',
      'host: a',
      '',
      `GET ${queryTarget('users.byId', { json: { id: 123 } })} HTTP/1.1`,
      'host: a',
      `cookie: access_token=${access}`,
      '',
      '',
    );
    await connection.received(/"status":"ok"/);

    main.kill('SIGUSR2');
    await main.printed(/"level":60/);
    release();
    expect(await connection.closed).toContain('"id":123,');
    expect(await main.exited).toBe(1);
    expect(main.output()).toMatch(
      new RegExp(
        `"level":60.*"origin":"${origin}","causes":\\["Error: password=\\[hidden\\]"\\],"msg":"Uncaught error`,
      ),
    );
    expect(main.output()).toMatch(/"served":1,"cut":0,"msg":"Stopped\."/);
    expect(main.output()).not.toContain('hunter2');
    expect(main.output()).not.toMatch(/^\s+at /m);
    capture('log', main.output());
  },
);
