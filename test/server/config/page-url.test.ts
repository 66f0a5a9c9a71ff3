import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../../server/src/config.ts';

const load = (url: string) =>
  loadConfig({
    DJANGO_JWT_SIGNING_KEY: 'signing-key-of-32-bytes-exactly!',
    AUTH_SERVICE_URL: 'http://auth-service:8000',
    AUTH_API_KEY: 'internal-api-key',
    PUBLIC_URL: 'https://bff.example.org',
    PASSWORD_RESET_URL: url,
  }).passwordReset;

const faultOf = (url: string): string => {
  try {
    load(url);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.map(({ variable, fault }) => `${variable}: ${fault}`).join();
    throw error;
  }
  return 'none';
};

describe('PASSWORD_RESET_URL', () => {
  it.each([
    'https://app.example.org/new-password',
    'https://app.example.org/new-password/',
    'http://localhost:5173/?page=reset',
    'https://app.example.org/#/new-password',
    'https://app.example.org/app/?tenant=a#!/new-password?step=1',
  ])('may be %s', (url) => {
    expect(load(url)).toEqual({ publicUrl: 'https://bff.example.org', pageUrl: url });
  });

  it.each([
    ['app.example.org/reset', 'expected an http or https address, such as https://app.example.org/new-password'],
    ['javascript:alert(1)', 'expected an http or https address'],
    ['//app.example.org/reset', 'expected an http or https address'],
    ['https://user:pa55@app.example.org/reset', 'expected an address without a user name and password'],
    ['https://app.example.org/re set', 'expected an address without spaces and backslashes'],
    ['https://app.example.org/reset?a=\\b', 'expected an address without spaces and backslashes'],
    ['https://app.example.org/reset#form', 'expected an address without a fragment, or with a hash route'],
    ['https://app.example.org/reset?token=1', 'expected an address without the parameter token'],
    ['https://app.example.org/#/reset?as=staff', 'expected an address without the parameter as'],
    ['https://app.example.org/?as=staff#/reset', 'expected an address without the parameter as'],
  ])('may not be %s, and the fault says what it should be', (url, fault) => {
    expect(faultOf(url)).toContain(`PASSWORD_RESET_URL: ${fault}`);
    expect(faultOf(url)).not.toContain('pa55');
  });
});
