import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTransport } from '../../src/transport/index.ts';
import { onlyReads, writeReason } from '../../src/transport/read-only.ts';
import { serve, testClock } from './server.ts';

const vault =
  'https://management.azure.com/subscriptions/1/resourceGroups/r/providers/Microsoft.KeyVault/vaults/v';

const policy = 'https://accesscontextmanager.googleapis.com/v1/accessPolicies/1';

describe('what may leave in a dry run', () => {
  test.each([
    ['GET', vault],
    ['get', vault],
    ['HEAD', vault],
    ['OPTIONS', vault],
    ['POST', 'https://cloud.mongodb.com/api/oauth/token'],
    ['POST', 'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token'],
    ['POST', 'https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/token'],
    ['POST', 'https://oauth2.googleapis.com/token'],
    ['POST', 'http://127.0.0.1:8080/token'],
    ['POST', 'https://sts.googleapis.com/v1/token'],
    [
      'POST',
      'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/postern@a-b.iam.gserviceaccount.com:generateAccessToken',
    ],
    ['PUT', 'http://169.254.169.254/latest/api/token'],
    ['POST', `${policy}:testIamPermissions`],
    ['POST', `${policy}/accessLevels/atlas_kms:testIamPermissions`],
    ['POST', `${policy}/servicePerimeters/payments:testIamPermissions`],
    ['POST', 'http://localhost:8080/v1/accessPolicies/1:testIamPermissions'],
  ])('%s %s', (method, url) => {
    expect(writeReason({ method, url, headers: {} })).toBeUndefined();
  });
});

describe('what may not', () => {
  test.each([
    ['a write to a vault', 'PATCH', vault],
    ['in lower case', 'patch', vault],
    ['PUT', 'PUT', vault],
    ['DELETE', 'DELETE', vault],
    ['a method that nobody knows', 'QUERY', vault],
    ['an empty method', '', vault],
    ['another method on the token path', 'PUT', 'https://cloud.mongodb.com/api/oauth/token'],
    ['revoking a token', 'POST', 'https://cloud.mongodb.com/api/oauth/revoke'],
    ['a path that ends like a token request', 'POST', `${vault}/token`],
    ['a path that ends like one of Entra', 'POST', `${vault}/oauth2/v2.0/token`],
    ['an encoded slash in the tenant', 'POST', 'https://a.example/subscriptions%2Fv/oauth2/token'],
    ['a token path in the query', 'POST', `${vault}?x=/api/oauth/token`],
    ['a token path in the fragment', 'POST', `${vault}#/api/oauth/token`],
    ['a token path that is climbed out of', 'POST', 'https://a.example/api/oauth/token/../../vaults/v'],
    ['a token path that is climbed out of, encoded', 'POST', 'https://a.example/t/oauth2/token/%2e%2e/x'],
    ['a token path below another', 'POST', 'https://a.example/v/api/oauth/token'],
    ['a URL that is none', 'POST', '/api/oauth/token'],
    ["Google's token path at another host", 'POST', 'https://a.example/token'],
    ['a host that only ends like Google', 'POST', 'https://oauth2.googleapis.com.a.example/token'],
    ["a host that begins like this machine's", 'POST', 'https://localhost.a.example/token'],
    ["a user that looks like Google's host", 'POST', 'https://oauth2.googleapis.com@a.example/token'],
    ["the token path at another of Google's services", 'POST', 'https://cloudkms.googleapis.com/token'],
    ['another path of the token server', 'POST', 'https://oauth2.googleapis.com/revoke'],
    [
      'signing in the name of a service account',
      'POST',
      'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b.example:signBlob',
    ],
    ['another path of the metadata server', 'PUT', 'http://169.254.169.254/latest/meta-data'],
    ['making an access level', 'POST', `${policy}/accessLevels`],
    ['changing one', 'PATCH', `${policy}/accessLevels/atlas_kms?updateMask=basic`],
    ['replacing all of them', 'POST', `${policy}/accessLevels:replaceAll`],
    ['enforcing dry runs', 'POST', `${policy}/servicePerimeters:commit`],
    ['setting rights', 'POST', `${policy}:setIamPolicy`],
    ['setting rights, named like testing them', 'POST', `${policy}:setIamPolicy?x=:testIamPermissions`],
    ['a level called like the question', 'POST', `${policy}/accessLevels:testIamPermissions/x`],
    ['testing by another method', 'PATCH', `${policy}:testIamPermissions`],
    [
      'testing rights of something else',
      'POST',
      'https://accesscontextmanager.googleapis.com/v1/organizations/1:testIamPermissions',
    ],
    ['testing rights somewhere else', 'POST', 'https://a.example/v1/accessPolicies/1:testIamPermissions'],
  ])('%s: %s %s', (_, method, url) => {
    expect(writeReason({ method, url, headers: {} })).toBe(`${method.toUpperCase()} can write`);
  });

  test.each([
    'x-http-method-override',
    'X-HTTP-Method-Override',
    'x-http-method',
    'X-Method-Override',
  ])('a GET with %s', name => {
    expect(writeReason({ method: 'GET', url: vault, headers: { [name]: 'DELETE' } })).toBe(
      `it carries ${name.toLowerCase()}`,
    );
  });

  test('whatever the method and the path, only the table passes', () => {
    const table = /^\/(api\/oauth\/token|[\w.-]+\/oauth2(\/v2\.0)?\/token)$/;
    fc.assert(
      fc.property(
        fc.string(),
        fc.webUrl({ withQueryParameters: true, withFragments: true }),
        (method, url) => {
          const verb = method.toUpperCase();
          const expected =
            ['GET', 'HEAD', 'OPTIONS'].includes(verb) ||
            (verb === 'POST' && table.test(new URL(url).pathname));
          expect(onlyReads({ method, url, headers: {} })).toBe(expected);
        },
      ),
    );
  });
});

describe('the transport', () => {
  const build = (mode: 'read-only' | 'read-write') =>
    createTransport({ clock: testClock(), random: () => 0, mode });

  test.each([
    'PATCH',
    'PUT',
    'POST',
    'DELETE',
  ])('sends no %s in a dry run, not even a connection', async method => {
    const { url, seen } = await serve(() => ({}));
    const transport = build('read-only');
    const sent = transport.send({ method, url: `${url}/vault?secret=1`, headers: {}, body: '{}' });
    await expect(sent).rejects.toMatchObject({
      name: 'TransportError',
      kind: 'refused-write',
      mayHaveBeenSent: false,
      url: `${url}/vault`,
      message: `${method} ${url}/vault: not sent, because this is a dry run and ${method} can write.`,
    });
    expect(seen).toEqual([]);
    expect(transport.usage().requests).toBe(0);
  });

  test('sends them when writing is allowed', async () => {
    const { url, seen } = await serve(() => ({}));
    await build('read-write').send({ method: 'PATCH', url, headers: {}, body: '{"a":1}' });
    expect(seen).toMatchObject([{ method: 'PATCH', body: '{"a":1}' }]);
  });

  test('takes a mode that it does not know for a dry run', async () => {
    const { url, seen } = await serve(() => ({}));
    const sent = build('writing' as 'read-write').send({ method: 'PUT', url, headers: {} });
    await expect(sent).rejects.toMatchObject({ kind: 'refused-write' });
    expect(seen).toEqual([]);
  });
});

describe('AWS', () => {
  const kms = (target: string, more: object = {}) => ({
    method: 'POST',
    url: 'https://kms.eu-central-1.amazonaws.com/',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
    body: '{"KeyId":"k"}',
    ...more,
  });
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const query = (body: string, more: object = {}) => ({
    method: 'POST',
    url: 'https://iam.amazonaws.com/',
    headers: form,
    body,
    ...more,
  });

  test.each([
    ...['GetKeyPolicy', 'DescribeKey', 'ListGrants'].map(name => kms(`TrentService.${name}`)),
    kms('TrentService.GetKeyPolicy', { body: Buffer.from('{"KeyId":"k"}') }),
    ...['GetRole', 'GetRolePolicy', 'ListRolePolicies', 'ListAttachedRolePolicies', 'GetPolicy'].map(name =>
      query(`Action=${name}&Version=2010-05-08&RoleName=atlas`),
    ),
    query('RoleName=a&PolicyName=b%26Action%3DPutRolePolicy&Action=GetRolePolicy&Version=2010-05-08'),
    query('Action=GetPolicyVersion&Version=2010-05-08', {
      headers: { 'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8' },
    }),
    query('Action=AssumeRoleWithWebIdentity&Version=2011-06-15', { url: 'https://sts.amazonaws.com/' }),
    query('Action=GetCallerIdentity&Version=2011-06-15', {
      body: Buffer.from('Action=GetCallerIdentity&Version=2011-06-15'),
    }),
    { method: 'POST', url: 'https://oidc.eu-central-1.amazonaws.com/token', headers: {}, body: '{}' },
  ])('a read: $url $body', request => {
    expect(onlyReads(request)).toBe(true);
  });

  test.each<[string, ReturnType<typeof kms> | ReturnType<typeof query>]>([
    ['PutKeyPolicy', kms('TrentService.PutKeyPolicy')],
    ['a name that goes on', kms('TrentService.GetKeyPolicyX')],
    ['another service', kms('Other.GetKeyPolicy')],
    ['another case', kms('trentservice.getkeypolicy')],
    ['two targets in one', kms('TrentService.GetKeyPolicy, TrentService.PutKeyPolicy')],
    [
      'a second target',
      kms('TrentService.GetKeyPolicy', {
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': 'TrentService.GetKeyPolicy',
          'X-Amz-Target': 'TrentService.PutKeyPolicy',
        },
      }),
    ],
    ['no body', kms('TrentService.GetKeyPolicy', { body: undefined })],
    ['a form for a body', kms('TrentService.GetKeyPolicy', { body: 'Action=PutKeyPolicy' })],
    ['another path', kms('TrentService.GetKeyPolicy', { url: 'https://kms.amazonaws.com/x' })],
    ['a query', kms('TrentService.GetKeyPolicy', { url: 'https://kms.amazonaws.com/?Action=PutKeyPolicy' })],
    ['another method', kms('TrentService.GetKeyPolicy', { method: 'PUT' })],
    [
      'another protocol',
      kms('TrentService.GetKeyPolicy', {
        headers: { 'content-type': 'application/cbor', 'x-amz-target': 'TrentService.GetKeyPolicy' },
      }),
    ],
    ['PutRolePolicy', query('Action=PutRolePolicy&Version=2010-05-08')],
    ['DeleteRolePolicy', query('Action=DeleteRolePolicy&Version=2010-05-08')],
    ['no action', query('Version=2010-05-08')],
    ['no version', query('Action=GetRole')],
    ["another API's version", query('Action=GetRole&Version=2011-06-15')],
    ['the action twice', query('Action=GetRole&Version=2010-05-08&Action=PutRolePolicy')],
    ['the action twice, encoded', query('Action=GetRole&Version=2010-05-08&%41ction=PutRolePolicy')],
    ['the action twice, in another case', query('Action=GetRole&Version=2010-05-08&action=PutRolePolicy')],
    ['the action twice, with a blank', query('Action=GetRole&Version=2010-05-08&+Action=PutRolePolicy')],
    ['the same action twice', query('Action=GetRole&Version=2010-05-08&Action=GetRole')],
    ['a semicolon', query('Action=GetRole&Version=2010-05-08&x=1;Action=PutRolePolicy')],
    ['a line break', query('Action=GetRole&Version=2010-05-08\r\n&Action=PutRolePolicy')],
    [
      'the action in the URL',
      query('Action=GetRole&Version=2010-05-08', { url: 'https://iam.amazonaws.com/?Action=PutRolePolicy' }),
    ],
    [
      'a target beside the form',
      query('Action=GetRole&Version=2010-05-08', {
        headers: { ...form, 'x-amz-target': 'TrentService.PutKeyPolicy' },
      }),
    ],
    [
      'JSON for a form',
      query('Action=GetRole&Version=2010-05-08', { headers: { 'content-type': 'application/json' } }),
    ],
    ['no body at all', query('', { body: undefined })],
    [
      'a token of another host',
      query('{}', { url: 'https://oidc.eu-central-1.amazonaws.com.example.org/token' }),
    ],
  ])('no read: %s', (_, request) => {
    expect(onlyReads(request)).toBe(false);
  });
});
