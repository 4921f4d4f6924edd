/** Tokens by Google's own library, against the lab's token endpoint, all of it through our transport. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { createTokenSource } from '../../../src/gates/gcp-access-level/token-source.ts';
import { redactSecrets } from '../../../src/secret.ts';
import type { TransportRequest } from '../../../src/transport/index.ts';
import { type GcpSubject, openGcpSubject } from './subject.ts';

afterEach(() => vi.unstubAllEnvs());

const keyOf = ({ lab }: GcpSubject) => JSON.parse(lab.credentials.gcp.serviceAccountKey);

function write({ folder }: GcpSubject, content: string | object, name = 'other.json'): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const failure = async (subject: GcpSubject, credentialFile: string | undefined): Promise<any> =>
  subject
    .openWith({ credentialFile })
    .read()
    .catch(error => error);

test('one token for many requests', async () => {
  const subject = await openGcpSubject();
  const gate = await subject.openGate();
  await gate.read();
  await gate.read();
  expect(subject.requests.filter(({ service }) => service === 'google')).toHaveLength(1);
  expect(subject.sent.filter(({ url }) => url.endsWith('/token'))).toHaveLength(1);
});

test("a person's credentials need a quota project", async () => {
  const subject = await openGcpSubject();
  const credentialFile = join(subject.folder, 'user.json');
  const error = await failure(subject, credentialFile);
  expect(error).toMatchObject({ name: 'GateError', code: 'PERMISSION_DENIED' });
  expect(error.remedy).toMatch(/set `quotaProject`/);
  const state = await subject.openWith({ credentialFile, quotaProject: 'billing-project' }).read();
  expect(state.lets).toBe('listed');
});

test("a quota project of the credentials' own is used", async () => {
  const subject = await openGcpSubject();
  const user = JSON.parse(subject.lab.credentials.gcp.userCredentials);
  const credentialFile = write(subject, { ...user, quota_project_id: 'of-the-file' });
  await subject.openWith({ credentialFile }).read();
  const { headers } = subject.sent.find(({ url }) => url.includes('/v1/'))!;
  expect(headers['x-goog-user-project']).toBe('of-the-file');
});

test.each<[string, (key: any, subject: GcpSubject) => string | object, RegExp, RegExp]>([
  [
    'a key that was deleted',
    key => ({ ...key, private_key: otherKey() }),
    /invalid_grant: Invalid JWT Signature/,
    /deleted or disabled/,
  ],
  [
    'an account that is not there',
    key => ({ ...key, client_email: 'gone@x.iam.gserviceaccount.com' }),
    /invalid_grant: .*account not found/,
    /service account was deleted/,
  ],
  [
    'a private key that is none',
    key => ({
      ...key,
      private_key: '-----BEGIN PRIVATE KEY-----\nc2VjcmV0LXRleHQ=\n-----END PRIVATE KEY-----\n',
    }),
    /the private key in the credential file cannot be read/,
    /credentialFile/,
  ],
  ['no private key', ({ private_key: _, ...key }) => key, /private_key/, /credentialFile/],
  ['no JSON', () => 'secret-text', /is not a credential file of Google/, /credentialFile/],
  ['no type', () => ({ key: 'secret-text' }), /is not a credential file of Google/, /credentialFile/],
  ['another type', () => ({ type: 'gdch', key: 'secret-text' }), /of type "gdch"/, /credentialFile/],
  [
    'a refresh token that was revoked',
    (_, { lab }) => ({ ...JSON.parse(lab.credentials.gcp.userCredentials), refresh_token: 'secret-text' }),
    /invalid_grant: Token has been expired or revoked/,
    /gcloud auth application-default login/,
  ],
])('%s', async (_, content, message, remedy) => {
  const subject = await openGcpSubject();
  const error = await failure(subject, write(subject, content(keyOf(subject), subject)));
  expect(error.name).toBe('GateError');
  expect(error.message).toMatch(message);
  expect(error.remedy).toMatch(remedy);
  expect(redactSecrets(`${error.message} ${error.remedy}`)).not.toMatch(/secret-text|PRIVATE KEY|c2Vj/);
});

test('a file that is not there', async () => {
  const error = await failure(await openGcpSubject(), '/nowhere/key.json');
  expect(error.message).toMatch(/the credential file \/nowhere\/key\.json cannot be read \(ENOENT\)/);
});

test('a file that is put right is read again', async () => {
  const subject = await openGcpSubject();
  const path = write(subject, '{');
  const gate = subject.openWith({ credentialFile: path });
  await expect(gate.read()).rejects.toThrow(/not a credential file/);
  write(subject, subject.lab.credentials.gcp.serviceAccountKey);
  expect((await gate.read()).entries).toHaveLength(2);
});

test('a token server that fails for a moment is asked again; one that fails on is said to fail', async () => {
  const subject = await openGcpSubject();
  const remove = subject.faults.add({
    on: 'google',
    times: 2,
    act: { kind: 'answer', status: 503, body: '{}' },
  });
  expect((await (await subject.openGate()).read()).entries).toHaveLength(2);
  remove();
  subject.faults.add({ on: 'google', act: { kind: 'cut-before' } });
  const error = await failure(subject, join(subject.folder, 'key.json'));
  expect(error.name).toBe('GateError');
  expect(error.message).toMatch(/no token from Google: POST .*\/token: no answer/);
});

test('no token, no write: an error that says that nothing was written', async () => {
  const subject = await openGcpSubject();
  const { entries, revision } = await (await subject.openGate()).read();
  subject.faults.add({ on: 'google', act: { kind: 'cut-after' } });
  const error = await (await subject.openGate()).write(entries, revision).catch(error => error);
  expect(error.name).toBe('GateError');
});

/** A transport that answers nothing, and remembers what was asked. */
function deaf() {
  const asked: TransportRequest[] = [];
  return {
    asked,
    transport: {
      send: async (request: TransportRequest) => {
        asked.push(request);
        const body = {
          access_token: 'ya29.of-the-test',
          expires_in: 3600,
          accessToken: 'ya29.i',
          expireTime: '2100-01-01T00:00:00Z',
        };
        return {
          status: 200,
          headers: { 'content-type': 'application/json' },
          body: Buffer.from(JSON.stringify(body)),
        };
      },
      usage: () => ({ requests: 0, retries: 0, bytesReceived: 0 }),
    },
  };
}

test.each([
  [true, 'https://elsewhere.example/token', 'https://oauth2.googleapis.com/token'],
  [true, 'http://127.0.0.1:9/token', 'http://127.0.0.1:9/token'],
  [true, 'http://127.0.0.1.a.example/token', 'https://oauth2.googleapis.com/token'],
  [false, 'http://127.0.0.1:9/token', 'https://oauth2.googleapis.com/token'],
])('another endpoint %s, and a key file that names %s: %s is asked', async (isElsewhere, tokenUri, expected) => {
  const subject = await openGcpSubject();
  const { asked, transport } = deaf();
  const credentialFile = write(subject, { ...keyOf(subject), token_uri: tokenUri });
  const tokens = createTokenSource({ transport, credentialFile, quotaProject: undefined, isElsewhere });
  await tokens.headers();
  expect(asked.map(({ url }) => url)).toEqual([expected]);
});

test('an identity of elsewhere: its exchange goes through the transport too', async () => {
  const subject = await openGcpSubject();
  const { asked, transport } = deaf();
  const credentialFile = write(subject, {
    type: 'external_account',
    audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: 'https://sts.googleapis.com/v1/token',
    service_account_impersonation_url:
      'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/p@x.iam.gserviceaccount.com:generateAccessToken',
    credential_source: { file: write(subject, 'the-token-of-elsewhere', 'token') },
  });
  const tokens = createTokenSource({
    transport,
    credentialFile,
    quotaProject: undefined,
    isElsewhere: false,
  });
  expect((await tokens.headers()).authorization).toBe('Bearer ya29.i');
  expect(asked.map(({ method, url }) => [method, new URL(url).host])).toEqual([
    ['POST', 'sts.googleapis.com'],
    ['POST', 'iamcredentials.googleapis.com'],
  ]);
});

test('a certificate as credentials is refused: its requests would not pass the transport', async () => {
  const subject = await openGcpSubject();
  const error = await failure(
    subject,
    write(subject, {
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x',
      subject_token_type: 'urn:ietf:params:oauth:token-type:mtls',
      token_url: 'https://sts.mtls.googleapis.com/v1/token',
      credential_source: { certificate: { use_default_certificate_config: true } },
    }),
  );
  expect(error.message).toMatch(/the credentials are a certificate/);
});

test.each([
  ['a key file', (subject: GcpSubject) => keyOf(subject), ['oauth2.googleapis.com']],
  [
    'one account that stands for another',
    ({ lab }: GcpSubject) => ({
      type: 'impersonated_service_account',
      service_account_impersonation_url:
        'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/p@x.iam.gserviceaccount.com:generateAccessToken',
      source_credentials: JSON.parse(lab.credentials.gcp.userCredentials),
    }),
    ['oauth2.googleapis.com', 'iamcredentials.googleapis.com'],
  ],
])('Application Default Credentials go through it: %s', async (_, content, hosts) => {
  const subject = await openGcpSubject();
  const { asked, transport } = deaf();
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', write(subject, content(subject)));
  // A proxy is the transport's business.
  vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:1');
  const tokens = createTokenSource({
    transport,
    credentialFile: undefined,
    quotaProject: undefined,
    isElsewhere: false,
  });
  expect((await tokens.headers()).authorization).toMatch(/^Bearer ya29\./);
  expect(asked.map(({ url }) => new URL(url).host)).toEqual(hosts);
  expect(warn).not.toHaveBeenCalled();
});

function otherKey(): string {
  return generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  }) as string;
}
