/** Google's token endpoint, met by plain HTTP and by Google's own library. */
import { generateKeyPairSync } from 'node:crypto';
import { JWT } from 'google-auth-library';
import { expect, test } from 'vitest';
import { labLevel } from '../../src/lab/gcp/world.ts';
import { openGcpLab } from './gcp-client.ts';
import { signedAssertion } from './google-assertion.ts';

const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const now = () => Math.floor(Date.now() / 1_000);

test("Google's own library gets a token that opens the API", async () => {
  const { lab } = await openGcpLab();
  const { client_email, private_key } = JSON.parse(lab.credentials.gcp.serviceAccountKey);
  const client = new JWT({
    email: client_email,
    key: private_key,
    scopes: ['https://www.googleapis.com/auth/cloud-platform'],
  });
  // The library knows no other token server than Google's.
  client.transporter.defaults.fetchImplementation = (url, init) =>
    fetch(String(url) === 'https://oauth2.googleapis.com/token' ? lab.urls.googleToken : String(url), init);
  const { data } = await client.request<{ name: string }>({
    url: `${lab.urls.accessContextManager}/v1/${labLevel}`,
  });
  expect(data.name).toBe(labLevel);
});

test.each<[string, object, object, RegExp]>([
  ['of another account', { iss: 'x@example.com' }, {}, /account not found/],
  ['for another audience', { aud: 'https://a.example' }, {}, /audience/],
  ['without a scope', { scope: undefined }, {}, /scope/],
  ['that is over', { iat: now() - 7_200, exp: now() - 3_600 }, {}, /reasonable timeframe/],
  ['of the future', { iat: now() + 3_600, exp: now() + 7_200 }, {}, /reasonable timeframe/],
  ['that lasts too long', { exp: now() + 7_200 }, {}, /short-lived/],
  ['without an end', { exp: undefined }, {}, /short-lived/],
  ['unsigned by its own word', {}, { alg: 'none' }, /Invalid JWT/],
])('no token for an assertion %s', async (_, claims, header, message) => {
  const { lab, token } = await openGcpLab();
  const assertion = signedAssertion(lab.credentials.gcp.serviceAccountKey, claims, header);
  const { status, json } = await token({ grant_type, assertion });
  expect([status, json.error]).toEqual([400, 'invalid_grant']);
  expect(json.error_description).toMatch(message);
});

test('no token for a signature of another key, nor for one that was changed', async () => {
  const { lab, token } = await openGcpLab();
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const key = JSON.parse(lab.credentials.gcp.serviceAccountKey);
  const other = JSON.stringify({ ...key, private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }) });
  const assertion = signedAssertion(lab.credentials.gcp.serviceAccountKey);
  for (const bad of [
    signedAssertion(other),
    assertion.replace(/\.[^.]+$/, '.AAAA'),
    `${assertion}.x`,
    'x',
    '',
  ]) {
    expect((await token({ grant_type, assertion: bad })).json.error).toBe('invalid_grant');
  }
});

test('a refresh token, right and wrong', async () => {
  const { lab, token, call } = await openGcpLab();
  const { client_id, client_secret, refresh_token } = JSON.parse(lab.credentials.gcp.userCredentials);
  const form = { grant_type: 'refresh_token', client_id, client_secret, refresh_token };
  const { access_token } = (await token(form)).json;
  const ask = (headers: object) =>
    call('GET', labLevel, undefined, { authorization: `Bearer ${access_token}`, ...headers });
  expect((await ask({})).json.error).toMatchObject({
    code: 403,
    message: expect.stringMatching(/quota project/),
  });
  expect((await ask({ 'x-goog-user-project': 'p' })).status).toBe(200);
  expect((await token({ ...form, refresh_token: 'x' })).json.error).toBe('invalid_grant');
});

test('no other grant, and no other form', async () => {
  const { lab, token } = await openGcpLab();
  expect((await token({ grant_type: 'password' })).json.error).toBe('unsupported_grant_type');
  const json = await fetch(lab.urls.googleToken, { method: 'POST', body: '{}' });
  expect(json.status).toBe(400);
});
