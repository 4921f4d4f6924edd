/**
 * What Microsoft's SDK sends and what the lab answers, judged by `oav`, Microsoft's own checker, over
 * Microsoft's own description of Key Vault. The description at hand is that of API version 2023-07-01; the SDK
 * speaks a newer one, so the version in the URL is mapped. The shape of network rules is the same in both.
 */
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { KeyVaultManagementClient } from '@azure/arm-keyvault';
import { LiveValidator } from 'oav/dist/lib/liveValidation/liveValidator.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { trustLab } from '../../src/lab/index.ts';
import { openLab } from '../lab/client.ts';
import { describeContract, vendorPath } from './vendor.ts';

const folder = 'azure-rest-api-specs';
const describedVersion = '2023-07-01';

interface Exchange {
  readonly method: string;
  readonly url: string;
  readonly sent: any;
  readonly status: number;
  readonly answered: any;
}

describeContract("Azure's specification of Key Vault", folder, () => {
  let validator: LiveValidator;
  const trusted = tls.getCACertificates('default');
  beforeAll(async () => {
    validator = new LiveValidator({
      fileRoot: vendorPath(folder),
      directory: vendorPath(folder),
      swaggerPathsPattern: [
        `specification/keyvault/resource-manager/Microsoft.KeyVault/stable/${describedVersion}/keyvault.json`,
      ],
      swaggerPaths: [],
      git: { shouldClone: false },
    });
    await validator.initialize();
  }, 60_000);
  afterAll(() => tls.setDefaultCACertificates(trusted));

  async function faultsOf({ method, url, sent, status, answered }: Exchange): Promise<readonly string[]> {
    const mapped = new URL(url);
    mapped.searchParams.set('api-version', describedVersion);
    const headers = { 'content-type': 'application/json' };
    const result = await validator.validateLiveRequestResponse({
      liveRequest: { method, url: mapped.href, headers, body: sent },
      liveResponse: { statusCode: String(status), headers, body: answered },
    });
    const parts = [result.requestValidationResult, result.responseValidationResult];
    const broken = [result, ...parts].find(part => part.runtimeException)?.runtimeException;
    if (broken) throw new Error(broken.message);
    return parts.flatMap(({ errors }) =>
      errors.map(({ code, pathsInPayload }) => `${code} ${pathsInPayload}`),
    );
  }

  /** What the real SDK exchanges with the lab while `act` runs. */
  async function exchanges(
    act: (client: KeyVaultManagementClient, open: Awaited<ReturnType<typeof openLab>>) => Promise<unknown>,
  ) {
    const open = await openLab();
    trustLab(open.lab);
    const seen: Exchange[] = [];
    const credential = {
      getToken: async () => ({ token: open.armToken, expiresOnTimestamp: Date.now() + 1e6 }),
    };
    const client = new KeyVaultManagementClient(credential, open.vaultId.split('/')[2]!, {
      endpoint: open.lab.urls.azureResourceManager,
      retryOptions: { maxRetries: 0 },
    });
    client.pipeline.addPolicy({
      name: 'record',
      sendRequest: async (request, next) => {
        const response = await next(request);
        seen.push({
          method: request.method,
          url: request.url,
          sent: typeof request.body === 'string' ? JSON.parse(request.body) : undefined,
          status: response.status,
          answered: JSON.parse(response.bodyAsText || 'null'),
        });
        return response;
      },
    });
    await act(client, open);
    return seen;
  }

  const networkAcls = {
    bypass: 'AzureServices',
    defaultAction: 'Deny',
    ipRules: [{ value: '44.1.1.1/32' }, { value: '198.17.0.0/24' }],
    virtualNetworkRules: [
      { id: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/n' },
    ],
  };
  const tenantId = '54826b22-38d6-4fb2-bad9-b7b93a3e9c5a';
  const get = () => exchanges(client => client.vaults.get('payments', 'payments-cmk'));
  const update = () =>
    exchanges(client => client.vaults.update('payments', 'payments-cmk', { properties: { networkAcls } }));
  const put = () =>
    exchanges(client =>
      client.vaults.createOrUpdate('payments', 'payments-cmk', {
        location: 'eastus2',
        properties: { tenantId, sku: { family: 'A', name: 'standard' }, accessPolicies: [], networkAcls },
      }),
    );
  const gone = () => exchanges(client => client.vaults.get('payments', 'gone').catch(() => undefined));
  const list = () =>
    exchanges(async client => {
      for await (const _ of client.vaults.listByResourceGroup('payments'));
    });

  test.each([
    ['GET', get],
    ['PATCH', update],
    ['PUT', put],
    ['a 404', gone],
    ['the list of a resource group', list],
  ])('%s is as described, both ways', async (_, run) => {
    const seen = await run();
    expect(seen.length).toBeGreaterThan(0);
    for (const exchange of seen) expect(await faultsOf(exchange), exchange.method).toEqual([]);
  });

  test.each<readonly [string, () => Promise<Exchange[]>, string, (exchange: any) => void]>([
    [
      'a rule of a wrong type in a request',
      update,
      'value',
      ({ sent }) => Object.assign(sent.properties.networkAcls.ipRules[0], { value: 7 }),
    ],
    [
      'rules that are no list in a request',
      update,
      'ipRules',
      ({ sent }) => Object.assign(sent.properties.networkAcls, { ipRules: '44.1.1.1' }),
    ],
    [
      'a rule of a wrong type in an answer',
      get,
      'value',
      ({ answered }) => Object.assign(answered.properties.networkAcls.ipRules[0], { value: 7 }),
    ],
    ['an answer without its tenant', get, 'tenantId', ({ answered }) => delete answered.properties.tenantId],
    ['a PUT without its location', put, 'location', ({ sent }) => delete sent.location],
  ])('the check sees %s', async (_, run, place, spoil) => {
    const exchange = structuredClone((await run())[0]!);
    spoil(exchange);
    expect((await faultsOf(exchange)).join()).toContain(place);
  });
});

const template = 'azure-arm-template-schema-Microsoft.KeyVault-2026-02-01.json';
describeContract('the newer template schema', template, () => {
  test('knows the members of network rules that the lab stores', async () => {
    const { definitions } = JSON.parse(readFileSync(vendorPath(template), 'utf8'));
    const { getVault } = await openLab();
    const { networkAcls } = (await getVault()).json.properties;
    expect(Object.keys(definitions.NetworkRuleSet.properties).toSorted()).toEqual(
      Object.keys(networkAcls).toSorted(),
    );
    expect(Object.keys(definitions.IPRule.properties)).toEqual(['value']);
    expect(definitions.VirtualNetworkRule.properties).toHaveProperty('id');
  });
});
