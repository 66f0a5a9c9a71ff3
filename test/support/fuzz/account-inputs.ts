import { prototypeKeys } from './inputs.ts';
import type { Random } from './random.ts';

/** Part of every secret that is sent. No response to an error and no log line may contain it. */
export const secretMark = 'Zq8-kept-secret';

/** Values that a test can only know while it runs, as JSON. */
export type RightValues = {
  password: string;
  /** Of a reset mail. */
  token: string;
  /** Of a sign-in that waits for its code. */
  challenge: string;
  /** A second-factor code. */
  code: string;
};

type Fields = Readonly<Record<string, (right: RightValues) => string>>;
const always = (text: string) => () => text;
const newPassword = always(`"${secretMark}-new"`);

/** Inputs that are accepted, each value as JSON. */
const rightInputs: Readonly<Record<string, readonly [Fields, ...Fields[]]>> = {
  'account.profile': [{}],
  'account.updateProfile': [
    { phoneNumber: always('"+15551234567"') },
    { phoneNumber: always('null'), username: always('"someone"') },
    { firstName: always('"Ana"'), lastName: always('"Cruz"'), middleName: always('null'), suffix: always('"Jr."') },
    { department: always('"IT Department"') },
  ],
  'account.changePassword': [
    { currentPassword: ({ password }) => password, newPassword },
    { currentPassword: ({ password }) => password, newPassword, endOtherSessions: always('false') },
    { currentPassword: always(`"${secretMark}-wrong"`), newPassword },
  ],
  'account.requestPasswordReset': [
    { email: always('"user@example.com"') },
    { email: always('"fernando.aquino@partners.example.com"'), as: always('"employee"') },
    { email: always('"nobody@example.com"'), as: always('"staff"') },
  ],
  'account.resetPassword': [
    { token: ({ token }) => token, newPassword },
    { token: ({ token }) => token, newPassword, as: always('"employee"') },
    { token: always(`"${secretMark}"`), newPassword, as: always('"employee"') },
  ],
  'account.secondFactor': [
    { action: always('"enable"'), password: ({ password }) => password },
    { action: always('"requestCode"') },
    { action: always('"disable"'), password: ({ password }) => password, code: ({ code }) => code },
    { action: always('"disable"'), password: ({ password }) => password },
  ],
  'session.resendOtp': [{ challenge: ({ challenge }) => challenge }],
  'session.logoutEverywhere': [{}],
};

export const accountProcedures = Object.keys(rightInputs);

const text = (value: string): string => JSON.stringify(value);
const hostileTexts: readonly [string, ...string[]] = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  '\udc00\ud800',
  '\ufeff',
  '\u0085',
  '\u001c\u001f',
  '\u202eabc',
  'two\nlines',
  '\r\nset-cookie: access_token=x',
  '"; drop table users; --',
  '<script>alert(1)</script>',
  '{{7*7}}%s%n',
  '../../etc/passwd',
  'null',
  '__proto__',
  'toString',
  'STAFF',
  'staff ',
  'enable\0',
  'a@b',
  '@@@',
  'a@b.c\r\nBcc: x@y.z',
  '"a b"@example.com',
  'a@[127.0.0.1]',
  '\u{1f600}'.repeat(4),
  'e\u0301'.repeat(64),
  '\u{1f469}\u200d\u{1f467}'.repeat(30),
  '\u0130\u0131\ufb01\ufdfa'.repeat(4),
  '\uff10\uff11\uff12\uff13\uff14\uff15',
  '+1' + '5'.repeat(18),
  '+\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668',
  '0917123456\u0667',
  ...[7, 8, 10, 11, 20, 21, 128, 129, 150, 151, 254, 255, 512, 1_024, 1_025, 10_000].map((length) =>
    'a'.repeat(length),
  ),
  'é'.repeat(16_385),
];
/** A secret with something hostile around it. */
const secretTexts: readonly [string, ...string[]] = [
  secretMark,
  ...hostileTexts.map((hostile) => `${secretMark}${hostile}`),
];

const hostileValues = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '12345678',
  '1e309',
  '[]',
  '{}',
  `["${secretMark}"]`,
  `{"value":"${secretMark}"}`,
  `{"__proto__":{"length":9},"toString":"${secretMark}"}`,
  `[[[[["${secretMark}"]]]]]`,
  `${'['.repeat(500)}${']'.repeat(500)}`,
] as const;

const strangeKeys = [
  ...prototypeKeys,
  'is_staff',
  'is_superuser',
  'otp_enabled',
  'email',
  'profile_picture',
  'id',
  'user_id',
  'action',
  'as',
  'code',
  '',
  '\0',
  '\ud800',
  secretMark,
] as const;

const wholes = [
  '',
  'null',
  '[]',
  '{}',
  '0',
  '"x"',
  `"${secretMark}"`,
  `[{"action":"enable"}]`,
  '{"action":null}',
] as const;

const metas = [
  '{"values":{"%":["Date"]}}',
  '{"values":{"%":["undefined"]}}',
  '{"values":{"%":["bigint"]}}',
  '{"values":{"%":["regexp"]}}',
  '{"values":{"%":["set"]}}',
  '{"values":{"%":["map"]}}',
  '{"values":{"%":["Error"]}}',
  '{"values":{"%":["URL"]}}',
  '{"values":{"__proto__.%":["Date"]}}',
  '{"values":["Date"]}',
  '{"referentialEqualities":{"%":["constructor"]}}',
  '{"values":{"%":[["typed-array","Uint8Array"]]}}',
  '[]',
] as const;

/** The body of a call: a right input, usually with one or two hostile changes. */
export const accountInput = (random: Random, procedure: string, right: RightValues): string => {
  if (random.oneIn(15)) {
    const whole = random.pick(wholes);
    return random.oneIn(4) ? whole : `{"json":${whole === '' ? 'null' : whole}}`;
  }
  const [first = {}, ...others] = rightInputs[procedure] ?? [];
  const fields = Object.entries(random.pick([first, ...others])).map(
    ([name, toValue]): [name: string, value: string] => [name, toValue(right)],
  );
  const anyName = () => random.pick(['json', ...fields.map(([name]) => name)]);
  const toHostile = () => {
    if (random.oneIn(3)) return random.pick(hostileValues);
    return text(random.pick(random.oneIn(2) ? hostileTexts : secretTexts));
  };
  let meta = '';
  for (let changes = random.pick([0, 1, 1, 1, 1, 2]); changes > 0; changes -= 1) {
    const at = random.below(fields.length);
    const kind = fields.length === 0 ? 5 : random.below(8);
    const field = fields[at];
    if (kind < 4 && field !== undefined) field[1] = toHostile();
    else if (kind === 4) fields.splice(at, 1);
    else if (kind === 5) fields.push([random.pick(strangeKeys), toHostile()]);
    else if (kind === 6) fields.push([anyName(), toHostile()]);
    else meta = `,"meta":${random.pick(metas).replace('%', anyName())}`;
  }
  return `{"json":{${fields.map(([name, value]) => `${text(name)}:${value}`).join(',')}}${meta}}`;
};
