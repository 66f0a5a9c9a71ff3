import { maxCallsPerBatch } from '../../../shared/src/index.ts';
import { postHeaders, written } from '../app/raw-request.ts';
import type { Case } from '../app/reference-pair.ts';
import { asStaff, both, good, inputsText, postOf, procedures, queryOf, rotation, turn } from './calls.ts';

const streams = { 'trpc-accept': 'application/jsonl' };

/** Cases of HTTP methods and headers. */
export const headerCases: readonly Case[] = [
  ...['HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE'].flatMap((method) =>
    asStaff('neither', [
      [method, { method, target: `/trpc/users.byId?input=${good}` }],
      [`${method} of a mutation`, { method, target: '/trpc/session.logout', headers: postHeaders }],
      [`${method} of a batch`, { method, target: '/trpc/session.me,users.me?batch=1' }],
      [`${method} of an unknown procedure`, { method, target: '/trpc/no.such' }],
    ]),
  ),
  ...asStaff('neither', [
    [
      'a preflight',
      {
        method: 'OPTIONS',
        target: '/trpc/users.byId',
        headers: { origin: 'https://tts.example.org', 'access-control-request-method': 'POST' },
      },
    ],
  ]),
  ...Object.keys(procedures).flatMap((path) =>
    asStaff('own', [
      ['the wrong method', procedures[path] === 'mutation' ? queryOf(path, '{}') : postOf(path, '{}')],
      [
        'the wrong method, in a batch',
        procedures[path] === 'mutation'
          ? queryOf(`${path},${path}`, '{}', 'batch=1&')
          : postOf(`${path},${path}?batch=1`, '{}'),
      ],
    ]),
  ),
  ...asStaff('own', [
    ['the wrong method and no batch', queryOf('session.logout')],
    ['a method override header', postOf('users.byId', written({ id: 5 }), { 'x-http-method-override': 'GET' })],
  ]),

  ...[
    'application/json',
    'APPLICATION/JSON',
    'application/json; charset=utf-8',
    'multipart/form-data; boundary=x',
    'Multipart/Form-Data',
    'application/octet-stream',
    'application/x-www-form-urlencoded',
    'text/plain',
    '',
    'x',
  ].flatMap((type) =>
    asStaff(type === 'application/json' ? 'own' : 'adapter', [
      [`a GET of ${type}`, { target: `/trpc/users.byId?input=${good}`, headers: { 'content-type': type } }],
      [
        `a batch of ${type}`,
        { target: `/trpc/users.byId,users.byId?batch=1&input=${both}`, headers: { 'content-type': type } },
      ],
      [`a GET of ${type} for a mutation`, { target: '/trpc/session.logout', headers: { 'content-type': type } }],
    ]),
  ),
  ...[
    'application/json;charset=utf-8',
    'application/json; charset=UTF-8',
    'application/json; charset=utf-16',
    'application/json; charset=latin1',
    'application/json; charset="utf-8"',
    'Application/JSON',
    'application/json;',
    'application/json; a=b; c=d',
    'application/json ; charset=utf-8',
    'application/json;charset',
    'application/json; =',
    'application/json\t',
    'application/json\u00a0',
    'application/json, text/plain',
    'application/jsonx',
    'application/problem+json',
    'text/json',
    'text/plain',
    'application/octet-stream',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    '',
  ].flatMap((type) =>
    asStaff(null, [
      [
        `a POST of ${type}`,
        postOf('assignments.next', written({ system: 'TTS', role: 'Zoë' }), { 'content-type': type }),
      ],
      [`a batch of ${type}`, postOf('assignments.next?batch=1', inputsText([turn]), { 'content-type': type })],
      [`a POST of ${type} without a body`, postOf('session.refresh', '', { 'content-type': type })],
    ]),
  ),
  ...asStaff('neither', [
    [
      'a POST without a content-type',
      { method: 'POST', target: '/trpc/assignments.next', headers: { 'x-csrf': '1' }, body: rotation },
    ],
    [
      'a POST without x-csrf',
      { ...postOf('assignments.next', rotation), headers: { 'content-type': 'application/json' } },
    ],
    ['a POST with another x-csrf value', postOf('assignments.next', rotation, { 'x-csrf': '2' })],
    ['a POST of another origin', postOf('assignments.next', rotation, { origin: 'https://evil.example' })],
    ['a GET of another origin', { ...queryOf('users.me'), headers: { origin: 'null' } }],
    ['a cross-site GET', { ...queryOf('users.me'), headers: { 'sec-fetch-site': 'cross-site' } }],
  ]),
  ...asStaff('own', [
    ['a GET of an allowed origin', { ...queryOf('users.me'), headers: { origin: 'https://tts.example.org' } }],
    ['a POST of an allowed origin', postOf('assignments.next', rotation, { origin: 'https://tts.example.org' })],
    ['a failure of an allowed origin', { ...queryOf('no.such'), headers: { origin: 'https://tts.example.org' } }],
    [
      'a rejected batch of an allowed origin',
      {
        ...queryOf(Array.from({ length: maxCallsPerBatch + 1 }, () => 'users.me').join(','), undefined, 'batch=1&'),
        headers: { origin: 'https://tts.example.org' },
      },
    ],
    ['a request id', { ...queryOf('users.me'), headers: { 'x-request-id': 'ours-1_A' } }],
    ['an invalid request id', { ...queryOf('users.me'), headers: { 'x-request-id': '<script>' } }],
    ['an empty request id', { ...queryOf('no.such'), headers: { 'x-request-id': '' } }],
    ['two request ids', { ...queryOf('users.me'), headers: { 'x-request-id': ['a', 'b'] } }],
    [
      'a trace',
      {
        ...queryOf('users.byId', written({ id: 12 })),
        headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
      },
    ],
    [
      'client identification headers',
      {
        ...queryOf('users.me'),
        headers: {
          'x-trpc-source': 'react',
          'user-agent': 'é',
          'accept-encoding': 'gzip',
          'if-none-match': '*',
          range: 'bytes=0-1',
          'last-event-id': '1',
        },
      },
    ],
    [
      'unusual header names',
      { ...queryOf('users.me'), headers: { "!#$%&'*+-.^_`|~": '1', __proto__x: '1', constructor: '1' } },
    ],
    ['a body of a GET', { ...queryOf('users.me'), headers: { 'content-length': '2' }, body: '{}' }],
  ]),
  ...asStaff(null, [['a compressed body', postOf('assignments.next', rotation, { 'content-encoding': 'gzip' })]]),

  ...(
    [
      ['application/json', 'own'],
      ['*/*', 'own'],
      ['', 'own'],
      ['text/event-stream', 'own'],
      ['application/JSONL', 'own'],
      ['application/jsonl', 'adapter'],
      ['text/html, application/jsonl', 'adapter'],
      ['application/jsonl,*/*;q=0.1', 'adapter'],
      ['application/jsonl;q=0.5', 'adapter'],
      ['xapplication/jsonl', 'adapter'],
    ] as const
  ).flatMap(([accept, by]) =>
    asStaff(by, [
      [`accept ${accept}, one call`, { ...queryOf('users.byId', written({ id: 5 })), headers: { accept } }],
      [
        `accept ${accept}, a batch`,
        { ...queryOf('users.byId,no.such,session.me', inputsText([{ id: 5 }]), 'batch=1&'), headers: { accept } },
      ],
      [`accept ${accept}, a mutation`, postOf('assignments.next?batch=1', inputsText([turn]), { accept })],
      [`accept ${accept}, a mutation of session`, postOf('session.logout?batch=1', '{}', { accept })],
    ]),
  ),
  ...['application/jsonl', 'application/json', '', 'x', '*/*'].flatMap((accept) =>
    asStaff('adapter', [
      [
        `trpc-accept ${accept}, one call`,
        { ...queryOf('users.byId', written({ id: 5 })), headers: { 'trpc-accept': accept } },
      ],
      [
        `trpc-accept ${accept}, a batch`,
        {
          ...queryOf('users.byId,no.such,users.byIds', inputsText([{ id: 5 }, 1, { ids: [1, 12] }]), 'batch=1&'),
          headers: { 'trpc-accept': accept },
        },
      ],
      [
        `trpc-accept ${accept}, a batch that is refused`,
        {
          ...queryOf('users.byId,session.logout', undefined, 'batch=1&'),
          headers: { 'trpc-accept': accept },
        },
      ],
    ]),
  ),
  ...asStaff('adapter', [
    [
      'a stream with text that no database stores',
      {
        ...queryOf('users.byId,users.byRole', inputsText([{ id: 5 }, { system: 'TTS', role: '\0' }]), 'batch=1&'),
        headers: streams,
      },
    ],
  ]),
  ...(['anonymous', 'expired', 'employee', 'broken'] as const).map(
    (as): Case => ({
      name: 'a stream',
      as,
      request: { ...queryOf('users.byId,session.me', inputsText([{ id: 5 }]), 'batch=1&'), headers: streams },
      by: 'adapter',
    }),
  ),

  ...asStaff('own', [
    ['another Host', { ...queryOf('users.me'), headers: { host: 'bff.example' } }],
    ['a Host with a port', { ...queryOf('users.me'), headers: { host: 'bff.example:8080' } }],
    ['a Host of IPv6', { ...queryOf('users.me'), headers: { host: '[::1]:80' } }],
    ['a Host of letters beyond ASCII', { ...queryOf('users.me'), headers: { host: 'b\u00fccher.example' } }],
    ['an absolute URL', { target: `http://bff.example/trpc/users.byId?input=${good}` }],
    ['an absolute https URL', { target: `https://bff.example:1/trpc/users.byId?input=${good}` }],
    ['an absolute URL in capitals', { target: `HTTP://bff.example/trpc/users.me` }],
  ]),
];
