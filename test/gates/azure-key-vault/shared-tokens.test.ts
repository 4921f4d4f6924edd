import type { AccessToken, TokenCredential } from '@azure/identity';
import { expect, test } from 'vitest';
import { createAzureKeyVaultGate } from '../../../src/gates/azure-key-vault/index.ts';
import { sharedTokens } from '../../../src/gates/azure-key-vault/shared-tokens.ts';
import { Secret } from '../../../src/secret.ts';
import { fencedTransport } from '../../../src/transport/fenced.ts';
import { createTransport, TransportError } from '../../../src/transport/index.ts';
import type { Transport } from '../../../src/transport/transport.ts';
import { openAzureSubject } from './subject.ts';

const scope = 'https://management.azure.com/.default';
const hourMs = 3_600_000;

function transportOf(send: Transport['send'] = () => Promise.reject(new Error('not to be sent'))): Transport {
  return { send, usage: () => ({ requests: 0, retries: 0, bytesReceived: 0 }) };
}

/** A credential that counts, and whose tokens live as long as it is told. */
function counting(livesMs: () => number): { readonly asked: string[]; make(): TokenCredential } {
  const asked: string[] = [];
  const getToken = async (scopes: string | string[]): Promise<AccessToken> => {
    asked.push(String(scopes));
    await Promise.resolve();
    return { token: `token-${asked.length}`, expiresOnTimestamp: Date.now() + livesMs() };
  };
  return { asked, make: () => ({ getToken }) };
}

test('gates that sign in as the same identity ask once, at once and later, each behind its own fence', async () => {
  const transport = transportOf();
  const { asked, make } = counting(() => hourMs);
  const gates = Array.from({ length: 20 }, () =>
    sharedTokens(
      fencedTransport(transport, () => undefined),
      'alice',
      make,
    ),
  );
  const tokens = await Promise.all(gates.map(({ credential }) => credential.getToken(scope)));
  expect(new Set(tokens.map(token => token?.token))).toEqual(new Set(['token-1']));
  await gates[3]!.credential.getToken(scope);
  expect(asked).toEqual([scope]);
});

test('another identity, another scope and another process share nothing', async () => {
  const transport = transportOf();
  const { asked, make } = counting(() => hourMs);
  await sharedTokens(transport, 'alice', make).credential.getToken(scope);
  await sharedTokens(transport, 'bob', make).credential.getToken(scope);
  await sharedTokens(transport, 'alice', make).credential.getToken('https://vault.azure.net/.default');
  await sharedTokens(transportOf(), 'alice', make).credential.getToken(scope);
  expect(asked).toHaveLength(4);
});

test('a token near its end is renewed, once for all who find it so', async () => {
  const transport = transportOf();
  let livesMs = 60_000;
  const { asked, make } = counting(() => livesMs);
  const { credential } = sharedTokens(transport, 'alice', make);
  await credential.getToken(scope);
  livesMs = hourMs;
  const renewed = await Promise.all([credential.getToken(scope), credential.getToken(scope)]);
  expect(renewed.map(token => token?.token)).toEqual(['token-2', 'token-2']);
  expect(asked).toHaveLength(2);
});

test('once a token was refused, none that was given out or kept by the SDK is given out again', async () => {
  const made: string[] = [];
  const make = (): TokenCredential => {
    const name = `credential-${made.length + 1}`;
    made.push(name);
    return { getToken: async () => ({ token: name, expiresOnTimestamp: Date.now() + 720 * hourMs }) };
  };
  const transport = transportOf();
  const { credential, forget } = sharedTokens(transport, 'alice', make);
  expect((await credential.getToken(scope))?.token).toBe('credential-1');
  forget();
  const another = sharedTokens(transport, 'alice', make).credential;
  expect((await another.getToken(scope))?.token).toBe('credential-2');
  expect((await credential.getToken(scope))?.token).toBe('credential-2');
});

test('a vault that refuses a token is asked with a new one when its gate is opened again', async () => {
  const { open, faults, requests } = await openAzureSubject();
  const { lab, clock, vaultId } = open;
  const transport = createTransport({ clock, random: () => 0.5, mode: 'read-only' });
  const { clientSecret, ...ids } = lab.credentials.azure;
  const openGate = () =>
    createAzureKeyVaultGate({
      name: 'vault',
      vaultId,
      clock,
      random: () => 0.5,
      endpoint: lab.urls.azureResourceManager,
      authorityHost: lab.urls.azureAuthority,
      credential: { ...ids, clientSecret: new Secret(clientSecret, 'env:AZURE_SECRET') },
      transport,
    });
  const signIns = () => requests.filter(({ path }) => path.includes('/token?client-request-id=')).length;
  await (await openGate()).read();
  await (await openGate()).read();
  expect(signIns()).toBe(1);
  const body = '{"error":{"code":"ExpiredAuthenticationToken","message":"The access token expiry is over."}}';
  faults.add({ on: 'azure', times: 1, act: { kind: 'answer', status: 401, body } });
  await expect((await openGate()).read()).rejects.toMatchObject({ code: 'ExpiredAuthenticationToken' });
  await (await openGate()).read();
  expect(signIns()).toBe(2);
});

test('a challenge is answered with a token of its own', async () => {
  const { asked, make } = counting(() => hourMs);
  const { credential } = sharedTokens(transportOf(), 'alice', make);
  await credential.getToken(scope);
  expect((await credential.getToken(scope, { claims: '{}' }))?.token).toBe('token-2');
  expect(asked).toHaveLength(2);
});

test('a refusal is not kept, and why no answer came is told until one does', async () => {
  let fails = true;
  const transport = transportOf(async request => {
    if (fails) throw new TransportError('timeout', request, 'no answer.', { mayHaveBeenSent: true });
    return { status: 200, headers: {}, body: new Uint8Array() };
  });
  const tokens = sharedTokens(transport, 'alice', entra => ({
    getToken: async () => {
      await entra.sendRequest({
        url: 'https://login.example.com/t/oauth2/v2.0/token',
        method: 'POST',
        headers: { toJSON: () => ({}) },
      } as unknown as Parameters<typeof entra.sendRequest>[0]);
      return { token: 'token', expiresOnTimestamp: Date.now() + hourMs };
    },
  }));
  await expect(tokens.credential.getToken(scope)).rejects.toThrow('no answer');
  expect(tokens.fault()?.kind).toBe('timeout');
  fails = false;
  expect((await tokens.credential.getToken(scope))?.token).toBe('token');
  expect(tokens.fault()).toBeUndefined();
});
