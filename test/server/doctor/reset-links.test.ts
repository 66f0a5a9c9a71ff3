import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedAuthService, startAuthService } from '../../../server/dev/auth-service/auth-service.ts';
import { checkResetLinks } from '../../../server/src/doctor/checks/reset-links.ts';
import { apiKey, signingKey } from '../../support/app/start-app.ts';
import { runDoctorHere, wellEnvironment } from '../../support/processes/run-doctor.ts';

let authService: EmbeddedAuthService;
beforeAll(async () => {
  authService = await startAuthService({ signingKey, apiKey });
});
afterAll(() => authService.close());

const examine = (changes: Record<string, string>) => runDoctorHere({ env: wellEnvironment(authService.url, changes) });
const page = 'https://app.example.org/new-password';

describe('the doctor says where the links of password-reset mails lead', () => {
  it('to a page of the Auth Service', async () => {
    const run = await examine({ AUTH_SERVICE_PUBLIC_URL: 'http://auth.example.org' });
    expect(run.line('✓', 'password reset')).toContain(
      'links in mails lead to http://auth.example.org/api/v1/users/password/reset, a page of the Auth Service; ALLOWED_HOSTS of the Auth Service must contain auth.example.org',
    );
  });

  it('to the BFF, which redirects to the page of a frontend', async () => {
    const run = await examine({ PUBLIC_URL: 'http://bff.example.org:4000', PASSWORD_RESET_URL: page });
    expect(run.line('✓', 'password reset')).toContain(
      'links in mails lead to http://bff.example.org:4000/api/v1/users/password/reset, which the BFF redirects to app.example.org; ALLOWED_HOSTS of the Auth Service must contain bff.example.org',
    );
    // Django compares the host without its port.
    expect(run.stdout).not.toContain('must contain bff.example.org:4000');
  });

  it('and warns that they begin with http although the host has https', async () => {
    const run = await examine({ PUBLIC_URL: 'https://bff.example.org', PASSWORD_RESET_URL: page });
    expect(run.line('!', 'password reset')).toContain(
      'They begin with http:// as AUTH_SERVICE_URL does, but browsers reach this host by https://',
    );
    expect(run.line('!', 'password reset')).toContain('links in mails lead to http://bff.example.org/');
    expect(run.stdout).toContain('Let port 80 of this host redirect to https');
  });

  it('and warns that they begin with https although the host has http', () => {
    const finding = checkResetLinks({
      authServiceUrl: 'https://auth.internal',
      authServicePublicUrl: 'http://auth.example.org',
      passwordReset: null,
    });
    expect(JSON.stringify(finding)).toContain('links in mails lead to https://auth.example.org/');
    expect(JSON.stringify(finding)).toContain('Set an address with https, or check whether the links work');
  });

  it('and warns about one variable without the other', async () => {
    const run = await examine({ PASSWORD_RESET_URL: page });
    expect(run.line('!', 'PASSWORD_RESET_URL')).toContain('is set without PUBLIC_URL');
  });

  it('and says nothing about it if an address is invalid', async () => {
    const run = await examine({ PUBLIC_URL: 'bff', PASSWORD_RESET_URL: page });
    expect(run.stdout).not.toContain('links in mails');
  });
});
