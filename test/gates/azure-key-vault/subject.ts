/** An Azure vault of the lab, and a gate on it through Microsoft's SDK. */
import tls from 'node:tls';
import { onTestFinished } from 'vitest';
import { parseCidr } from '../../../src/address/cidr.ts';
import { createAzureKeyVaultGate } from '../../../src/gates/azure-key-vault/index.ts';
import { type AzureBehaviour, type LabRequest, trustLab } from '../../../src/lab/index.ts';
import { Secret } from '../../../src/secret.ts';
import { createTransport, type Transport } from '../../../src/transport/index.ts';
import { openLab } from '../../lab/client.ts';
import type { GateSubject } from '../specification.ts';

const trusted = tls.getCACertificates('default');

export interface AzureSubject extends GateSubject {
  readonly open: Awaited<ReturnType<typeof openLab>>;
  /** The vault as the model holds it. */
  vault(): any;
  edit(change: (vault: any) => void): void;
  /** What gates sent to Resource Manager, each body as the model of the SDK made it. */
  readonly sent: readonly { readonly method: string; readonly body: any }[];
}

export async function openAzureSubject(behaviour: Partial<AzureBehaviour> = {}): Promise<AzureSubject> {
  const open = await openLab(behaviour);
  const { lab, clock, vaultId } = open;
  trustLab(lab);
  onTestFinished(() => tls.setDefaultCACertificates(trusted));
  const { tenantId, clientId, clientSecret } = lab.credentials.azure;
  const vault = (): any => {
    // Tokens, rights and staleness are for callers; a test sees what is there.
    const { rights, staleReads } = lab.azure;
    Object.assign(lab.azure, { rights: { ...rights, read: true }, staleReads: 0 });
    try {
      return lab.azure.get(vaultId);
    } finally {
      Object.assign(lab.azure, { rights, staleReads });
    }
  };
  const edit = (change: (vault: any) => void) => lab.azure.edit(vaultId, 'bob@example.com', change);
  const texts = () => vault().properties.networkAcls.ipRules.map(({ value }: any) => value);
  const sent: { method: string; body: any }[] = [];
  const recorded = (transport: Transport): Transport => ({
    ...transport,
    send: request => {
      const { method, url, body } = request;
      if (url.includes('/subscriptions/')) sent.push({ method, body: body && JSON.parse(String(body)) });
      return transport.send(request);
    },
  });
  return {
    open,
    vault,
    edit,
    sent,
    openGate: (mode = 'read-write') =>
      createAzureKeyVaultGate({
        name: 'payments-vault',
        vaultId,
        clock,
        random: () => 0.5,
        endpoint: lab.urls.azureResourceManager,
        authorityHost: lab.urls.azureAuthority,
        credential: { tenantId, clientId, clientSecret: new Secret(clientSecret, 'env:AZURE_SECRET') },
        transport: recorded(createTransport({ clock, random: () => 0.5, mode })),
      }),
    faults: lab.faults,
    requests: lab.requests,
    service: 'azure',
    isWrite: ({ service, method }: LabRequest) => service === 'azure' && method !== 'GET',
    texts,
    entries: () => texts().map((text: string) => parseCidr(text, { bare: 'host', hostBits: 'mask' })),
    others: () => {
      const { systemData: _, ...rest } = vault();
      const { ipRules: __, ...acls } = rest.properties.networkAcls;
      return { ...rest, properties: { ...rest.properties, networkAcls: acls } };
    },
    someoneAdds: text => edit(({ properties }) => properties.networkAcls.ipRules.push({ value: text })),
    someoneRemoves: text =>
      edit(({ properties: { networkAcls } }) => {
        networkAcls.ipRules = networkAcls.ipRules.filter(({ value }: any) => value !== text);
      }),
    oddSpellings: [{ text: '52.7.232.45', cidr: '52.7.232.45/32', kept: '52.7.232.45/32' }],
    staleReads: count => {
      lab.azure.staleReads = count;
    },
    comparesAndSets: false,
    secrets: [clientSecret, /lab\.[0-9a-f]{8}-[0-9a-f-]{27}/],
  };
}
