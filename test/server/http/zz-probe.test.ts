import { it } from 'vitest';
import { startApp } from '../../support/start-app.ts';
import { askRaw, sendLines, postHeaders, type RawRequest, written } from '../../support/raw-request.ts';

it('probe', async () => {
  await using app = await startApp();
  const tokens = await app.authService.issue({ type: 'staff', id: 123 });
  const cookie = `access_token=${tokens.access}; refresh_token=${tokens.refresh}`;
  const show = async (name: string, r: RawRequest) => {
    const a = await Promise.race([askRaw(app.url, r), new Promise<null>((res) => setTimeout(() => res(null), 3000))]).catch((e) => String(e));
    if (a === null || typeof a === 'string') console.log(name, 'HANG/ERR', a);
    else console.log(name, a.status, a.body.slice(0, 260), a.setCookies.length ? 'COOKIES' : '', JSON.stringify(a.headers['x-request-id'] !== undefined), a.headers.vary, a.headers['x-session-expires-in']);
  };
  const raw = async (name: string, lines: string[]) => {
    const a = await Promise.race([sendLines(app.url, lines), new Promise<null>((res) => setTimeout(() => res(null), 3000))]).catch((e) => String(e));
    if (a === null || typeof a === 'string') console.log(name, 'HANG/ERR', a);
    else console.log(name, a.status, a.body.slice(0, 260), a.setCookies.length ? 'COOKIES' : '', a.headers['x-request-id'] !== undefined);
  };
  const cross = { 'sec-fetch-site': 'cross-site', cookie };
  for (const target of ['/trpc/session.logout', '/%74rpc/session.logout', '//trpc/session.logout', '/TRPC/session.logout', '/trpc%2Fsession.logout', '/./trpc/session.logout', '/x/../trpc/session.logout', `${app.url}/trpc/session.logout`, 'http://evil/trpc/session.logout', '/trpc/session%2Elogout', '/trpc//session.logout','/trpc/session.logout/', '/trpc;x/session.logout', '/trpc\\session.logout'])
    await show(`form ${target}`, { method: 'POST', target, headers: { ...cross, 'content-type': 'multipart/form-data; boundary=x' }, body: '--x--\r\n' });
  for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND', 'QUERY'])
    for (const type of [undefined, 'application/json', 'multipart/form-data; boundary=x', 'text/plain'])
      await show(`${method} ${type}`, { method, target: '/trpc/session.logout', headers: { cookie, ...(type ? { 'content-type': type, 'x-csrf': '1' } : {}) } });
  await show('bad pct', { target: '/trpc/%zz' });
  await show('bad pct2', { target: '/trpc/%25zz' });
  await show('bad pct query', { target: '/trpc/session.me?input=%zz' });
  await show('bad host', { target: '/trpc/status.get', headers: { host: '[' } });
  await show('user host', { target: '/trpc/status.get', headers: { host: 'a:b@c' } });
  await show('space host', { target: '/trpc/status.get', headers: { host: 'a b' } });
  await show('empty host', { target: '/trpc/status.get', headers: { host: '' } });
  await show('abs user', { target: 'http://u:p@h/trpc/status.get' });
  await show('connparams', { target: '/trpc/status.get?connectionParams=%7B' });
  await show('connparams2', { target: '/trpc/status.get?connectionParams=1' });
  await show('expect', { method: 'POST', target: '/trpc/session.logout', headers: { ...postHeaders, expect: 'x' }, body: '{}' });
  await raw('nohost', ['GET /trpc/status.get HTTP/1.1', 'connection: close', '', '']);
  await raw('garbage', ['GARBAGE', '', '']);
  await raw('http1.0', ['GET /trpc/status.get HTTP/1.0', '', '']);
  await raw('http9', ['GET /trpc/status.get HTTP/9.9', 'host: a', '', '']);
  await raw('connect', ['CONNECT a:1 HTTP/1.1', 'host: a', '', '']);
  await raw('upgrade', ['GET /trpc/status.get HTTP/1.1', 'host: a', 'connection: upgrade, close', 'upgrade: websocket', '', '']);
  await raw('smuggle', ['POST /trpc/session.logout HTTP/1.1', 'host: a', 'content-length: 5', 'transfer-encoding: chunked', '', '0', '', '']);
  await raw('hdr overflow', ['GET /trpc/status.get HTTP/1.1', 'host: a', `x: ${'a'.repeat(40000)}`, '', '']);
  await raw('bad chunk', ['POST /trpc/session.logout HTTP/1.1', 'host: a', 'content-type: application/json', 'x-csrf: 1', 'transfer-encoding: chunked', '', 'zz', '', '']);
  await show('long url', { target: `/trpc/status.get?x=${'a'.repeat(12_000)}` });
  await show('long path', { target: `/trpc/${'a'.repeat(11_990)}` });
  await show('long path2', { target: `/${'a'.repeat(12_990)}` });
  await show('body', { method: 'POST', target: '/trpc/session.logout', headers: { ...postHeaders }, body: ' '.repeat(100_001) });
  await show('chunked', { method: 'POST', target: '/trpc/session.logout', headers: { ...postHeaders }, body: [' '.repeat(50_000), ' '.repeat(50_001)] });
  await show('exact', { method: 'POST', target: '/trpc/session.logout', headers: { ...postHeaders }, body: ' '.repeat(100_000) });
  await show('batch51', { target: `/trpc/${Array(51).fill('status.get').join(',')}?batch=1` });
  await show('batchcomma', { target: `/trpc/${Array(51).fill('status.get').join('%252C')}?batch=1` });
  await show('batch mixed', { method: 'POST', target: `/trpc/session.logout,status.get?batch=1`, headers: { ...postHeaders, cookie }, body: '{}' });
  await show('batch logout %252C', { method: 'POST', target: `/trpc/session.logout%252Csession.logout?batch=1`, headers: { ...postHeaders, cookie }, body: '{}' });
  await show('stream logout', { method: 'POST', target: `/trpc/session.logout?batch=1`, headers: { ...postHeaders, cookie, 'trpc-accept': 'application/jsonl' }, body: '{}' });
  await show('stream me', { target: `/trpc/session.me?batch=1`, headers: { cookie, 'trpc-accept': 'application/jsonl' } });
  await show('stream nobatch', { target: `/trpc/session.me`, headers: { cookie, 'trpc-accept': 'application/jsonl' } });
  const bodies: Record<string, string> = {
    broken: '{"json":{"email":"a@b.c","password":"hunter2secret"',
    proto: '{"json":{"email":"a","password":"b"},"meta":{"values":{"__proto__":["undefined"],"__proto__.polluted":["Date"]}}}',
    proto2: '{"json":{"__proto__":{"polluted":1}},"meta":{"values":{"constructor.prototype.polluted":["Date"]},"v":1}}',
    refs: '{"json":{"email":"a","password":"b"},"meta":{"referentialEqualities":{"email":["__proto__.polluted"]}}}',
    refs2: '{"json":{"email":{},"password":"b"},"meta":{"referentialEqualities":[["email"]]}}',
    metanum: '{"json":{},"meta":1}', metastr: '{"json":{},"meta":"x"}', metaarr: '{"json":{},"meta":[[]]}',
    valuesnum: '{"json":{},"meta":{"values":1}}', valuesstr: '{"json":{},"meta":{"values":"abc"}}', valuesnested: '{"json":{},"meta":{"values":[["Date"],{"a":1}]}}',
    valuesnull: '{"json":null,"meta":{"values":{"a":["Date"]}}}',
    typed: '{"json":{"email":1000000000,"password":"b"},"meta":{"values":{"email":[["typed-array","Uint8Array"]]}}}',
    typedhuge: '{"json":{"email":1e300,"password":"b"},"meta":{"values":{"email":[["typed-array","Uint8Array"]]}}}',
    custom: '{"json":{"email":1,"password":"b"},"meta":{"values":{"email":[["custom","x"]]}}}',
    cls: '{"json":{"email":1,"password":"b"},"meta":{"values":{"email":[["class","Object"]]}}}',
    sym: '{"json":{"email":1,"password":"b"},"meta":{"values":{"email":[["symbol","x"]]}}}',
    regexp: '{"json":{"email":"/(/","password":"b"},"meta":{"values":{"email":["regexp"]}}}',
    url: '{"json":{"email":"hunter2secret","password":"b"},"meta":{"values":{"email":["URL"]}}}',
    bigint: `{"json":{"email":"${'9'.repeat(90_000)}","password":"b"},"meta":{"values":{"email":["bigint"]}}}`,
    map: '{"json":5,"meta":{"values":["map"]}}', set: '{"json":"x","meta":{"values":["set"]}}',
    err: '{"json":{"email":null,"password":"b"},"meta":{"values":{"email":["Error"]}}}',
    deeparr: '{"json":' + '['.repeat(10_000) + ']'.repeat(10_000) + '}',
    deepobj: '{"json":' + '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000) + '}',
    deep40: '{"json":' + '['.repeat(49_000) + ']'.repeat(49_000) + '}',
    deepmeta: '{"json":{},"meta":{"values":' + '{"a":'.repeat(10_000) + '["Date"]' + '}'.repeat(10_000) + '}}',
    deepmeta2: '{"json":{},"meta":{"values":' + '[["Date"],{"a":'.repeat(5_000) + '["Date"]' + '}]'.repeat(5_000) + '}}',
    deepmeta3: '{"json":{},"meta":{"values":' + '[["Date"],{"a":'.repeat(2_000) + '["Date"]' + '}]'.repeat(2_000) + '}}',
    nul: 'null', num: '1', str: '"x"', arr: '[]', arr2: '[[1]]', tru: 'true', empty: '', undef: '{}', bom: '\ufeff{"json":{}}', lone: '{"json":{"email":"\\ud800","password":"\\u0000"}}',
    proto3: '{"__proto__":{"json":{"email":"a","password":"b"}}}',
    dateemail: '{"json":{"email":"x","password":"b"},"meta":{"values":{"email":["Date"]}}}',
    undefInput: '{"json":null,"meta":{"values":["undefined"]}}',
    asBad: '{"json":{"email":"a","password":"b","as":"toString"}}',
  };
  for (const [name, body] of Object.entries(bodies)) {
    const t = performance.now();
    await show(`body ${name}`, { method: 'POST', target: '/trpc/session.login', headers: postHeaders, body });
    const ms = performance.now() - t;
    if (ms > 100) console.log('SLOW', name, ms);
    await show(`batch ${name}`, { method: 'POST', target: '/trpc/session.login?batch=1', headers: postHeaders, body: `{"0":${body}}` });
  }
  console.log('polluted', Reflect.get({}, 'polluted'), app.logLines.filter((l) => JSON.stringify(l).includes('hunter2')).map((l) => JSON.stringify(l)));
  await show('not signed in + bad', { target: '/trpc/users.byId?input=%7B%22json%22%3A1%7D' });
  await show('not signed in + broken', { target: '/trpc/users.byId?input=%7B' });
  await show('signed in + broken', { target: '/trpc/users.byId?input=%7Bhunter2', headers: { cookie } });
  await show('signed in + bad', { target: '/trpc/users.byId?input=%7B%22json%22%3A1%7D', headers: { cookie } });
  await show('ctype get', { target: '/trpc/session.me', headers: { cookie, 'content-type': 'multipart/form-data; boundary=x' } });
  for (const p of ['__proto__', 'constructor', 'session', 'session.', '.session', 'toString', 'session.me.x', 'session.__proto__', 'a%2Fb', '', '%00', 'session.toString', '_def', 'createCaller'])
    await show(`proc ${p}`, { target: `/trpc/${p}` });
  await show('trpc', { target: '/trpc' });
  await show('trpc?', { target: '/trpc?batch=1' });
  await show('trpc post cross', { method: 'POST', target: '/trpc', headers: cross });
  await show('health', { target: '/health/live' }); await show('ready', { target: '/health/ready' }); await show('health head', { method: 'HEAD', target: '/health/live' }); await show('health post', { method: 'POST', target: '/health/live' });
}, 120_000);
