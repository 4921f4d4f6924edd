/** A vault in the lab's Azure, for the simulation. */
import type { Cidr } from '../../src/address/cidr.ts';
import { tryParseCidr } from '../../src/address/cidr.ts';
import type { Clock } from '../../src/clock.ts';
import type { VaultClient } from '../../src/gates/azure-key-vault/client.ts';
import { ArmRefusal, AzureAnswerError } from '../../src/gates/azure-key-vault/errors.ts';
import { azureKeyVaultGateOver } from '../../src/gates/azure-key-vault/index.ts';
import { vaultAnswer } from '../../src/gates/azure-key-vault/schema.ts';
import { type AzureBehaviour, AzureModel } from '../../src/lab/azure/model.ts';
import { type AzureCredentials, azureHandler, isEntra } from '../../src/lab/azure/server.ts';
import type { Transport } from '../../src/transport/index.ts';
import type { CloudWrite, SimulatedCloud } from './cloud.ts';
import { pick } from './random.ts';

const credentials: AzureCredentials = {
  tenantId: '54826b22-38d6-4fb2-bad9-b7b93a3e9c5a',
  clientId: 'c0ffee00-0000-4000-8000-000000000001',
  clientSecret: 'simulated',
};
const subscription = 'ea42f556-5106-4743-99b0-c129bfa71a47';

export interface AzureCloudOptions {
  readonly clock: Clock;
  /** Short, and different for each vault of a world. */
  readonly name: string;
  readonly behaviour: Partial<AzureBehaviour>;
  readonly entries: readonly string[];
}

export function azureCloud({ clock, name, behaviour, entries }: AzureCloudOptions): SimulatedCloud {
  const model = new AzureModel(clock, behaviour);
  const vaultId = `/subscriptions/${subscription}/resourceGroups/payments/providers/Microsoft.KeyVault/vaults/${name}-cmk`;
  model.addVault(
    vaultId,
    {
      bypass: 'AzureServices',
      defaultAction: 'Deny',
      ipRules: entries.map(value => ({ value })),
      virtualNetworkRules: [{ id: subnetId('admins') }],
    },
    credentials.tenantId,
  );
  const origin = `https://${name}.arm.invalid`;
  const handle = azureHandler(model, credentials, () => origin);
  const newest = () => model.newest(vaultId).properties;
  const list = () => cidrsOf(newest().networkAcls?.ipRules ?? []);
  const settings = () => {
    const { networkAcls, publicNetworkAccess } = newest();
    const { ipRules: _, ...others } = networkAcls ?? { ipRules: [] };
    return JSON.stringify([publicNetworkAccess, others]);
  };

  const cloud: SimulatedCloud = {
    kind: 'azure-key-vault',
    services: [
      {
        name: 'azure',
        origin,
        handle: async request => {
          const isWrite = request.method !== 'GET' && !isEntra(request.path);
          const before: Pick<CloudWrite, 'before' | 'settingsBefore'> | undefined = isWrite
            ? { before: list(), settingsBefore: settings() }
            : undefined;
          const answer = await handle(request);
          if (!isWrite && !isEntra(request.path)) cloud.looks++;
          if (before && answer.status === 200) {
            cloud.onWrite({ ...before, after: list(), settingsAfter: settings() });
          }
          return answer;
        },
      },
    ],
    requests: { reads: /^GET /, writes: /^PATCH / },
    key: { cloud: 'azure', vaultId },
    propagationMs: model.behaviour.propagationMs,
    entries: list,
    settings,
    letsIn: address => model.letsIn(vaultId, address),
    edit: (by, change) =>
      model.edit(vaultId, by, ({ properties: { networkAcls } }) => {
        if (!networkAcls) return;
        networkAcls.ipRules = change(networkAcls.ipRules.map(({ value }) => value)).map(value => ({ value }));
      }),
    changeSettings: (by, random) =>
      model.edit(vaultId, by, vault => {
        const rules = vault.properties.networkAcls?.virtualNetworkRules;
        if (random() < 0.5) vault.tags = { ...vault.tags, reviewed: String(clock.now()) };
        else if (rules && rules.length < 5) rules.push({ id: subnetId(`s${rules.length}`) });
        else rules?.pop();
      }),
    refuseWrites: random => {
      model.refusesWrites = random && pick(random, ['ScopeLocked', 'RequestDisallowedByPolicy'] as const);
    },
    staleReads: count => {
      model.staleReads = count;
    },
    readLagMs: 0,
    readsMayBeStale: false,
    looks: 0,
    onWrite: () => {},
    configOf: common => ({
      ...common,
      kind: 'azure-key-vault',
      vault: vaultId,
      cloud: 'AzureCloud',
      endpoint: origin,
      authorityHost: origin,
      credential: undefined,
    }),
    openGate: async (config, { transport, clock: processClock, random }) =>
      azureKeyVaultGateOver(vaultClient(transport, origin, vaultId), {
        name: config.name,
        vaultId,
        clock: processClock,
        random,
      }),
    replace: async (transport, change) => {
      const client = vaultClient(transport, origin, vaultId);
      const { networkAcls } = (await client.get()).properties;
      const ipRules = change(cidrsOf(networkAcls?.ipRules ?? [])).map(value => ({ value }));
      await client.patch({ ...networkAcls, ipRules });
    },
  };
  return cloud;
}

function subnetId(name: string): string {
  return `/subscriptions/${subscription}/resourcegroups/payments/providers/microsoft.network/virtualnetworks/office/subnets/${name}`;
}

function cidrsOf(rules: readonly { readonly value: string }[]): readonly Cidr[] {
  return rules.flatMap(({ value }) => {
    const parsed = tryParseCidr(value, { bare: 'host', hostBits: 'mask' });
    return parsed.ok ? [parsed.cidr] : [];
  });
}

/**
 * The gate's two requests without Microsoft's SDK, which reads the machine's own clock for its tokens and takes
 * a millisecond for each request: a simulated year would neither replay nor end. The SDK itself is tested over
 * real HTTP in `test/gates` and `test/e2e`.
 */
function vaultClient(transport: Transport, origin: string, vaultId: string): VaultClient {
  const url = `${origin}${vaultId}?api-version=2026-02-01`;
  let token: Promise<string> | undefined;

  const send = async (method: string, body?: string) => {
    token ??= fetchToken(transport, origin).catch(error => {
      token = undefined;
      throw error;
    });
    const authorization = `Bearer ${await token}`;
    const headers = { authorization, 'content-type': 'application/json' };
    const response = await transport.send({ method, url, headers, ...(body !== undefined && { body }) });
    const json = parseJson(response.body);
    if (response.status !== 200)
      throw new ArmRefusal(response.status, json?.error, response.headers['retry-after']);
    const parsed = vaultAnswer.safeParse(json);
    if (parsed.success) return parsed.data;
    throw new AzureAnswerError('the answer is not a vault as Azure documents it');
  };
  return {
    get: () => send('GET'),
    patch: networkAcls => send('PATCH', JSON.stringify({ properties: { networkAcls } })),
    permissions: async () => [],
    locks: async () => [],
  };
}

async function fetchToken(transport: Transport, origin: string): Promise<string> {
  const { tenantId, clientId, clientSecret } = credentials;
  const form = {
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
    scope: 'x',
  };
  const response = await transport.send({
    method: 'POST',
    url: `${origin}/${tenantId}/oauth2/v2.0/token`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  });
  const { access_token: token } = (parseJson(response.body) ?? {}) as { access_token?: string };
  if (response.status === 200 && token !== undefined) return token;
  throw Object.assign(new Error('no token'), { name: 'AuthenticationError' });
}

function parseJson(body: Uint8Array): any {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}
