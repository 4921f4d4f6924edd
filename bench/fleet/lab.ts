/** The world of the bench, in a process of its own, so that its work is not counted: so many vaults and projects. */
import { writeFileSync } from 'node:fs';
import { systemClock } from '../../src/clock.ts';
import { labOrganizationId } from '../../src/lab/default-world.ts';
import { startLab } from '../../src/lab/index.ts';

const [folder, gateText, latencyText] = process.argv.slice(2);
const gateCount = Number(gateText);
const lab = await startLab({ clock: systemClock, azure: { propagationMs: 0 } });
const { atlas, azure } = lab.credentials;
const gates = Array.from({ length: gateCount }, (_, index) => {
  const name = `vault-${String(index).padStart(4, '0')}`;
  const vault = `/subscriptions/ea42f556-5106-4743-99b0-c129bfa71a47/resourceGroups/fleet/providers/Microsoft.KeyVault/vaults/${name}`;
  lab.azure.addVault(
    vault,
    {
      bypass: 'AzureServices',
      defaultAction: 'Deny',
      ipRules: [{ value: '198.17.0.0/24' }],
      virtualNetworkRules: [],
    },
    azure.tenantId,
  );
  const project = lab.atlas.addProject(name, labOrganizationId, { cloud: 'azure', vaultId: vault });
  const cluster = lab.atlas.createCluster(project.id, 'orders');
  lab.atlas.provision(cluster, 3);
  lab.atlas.finishCreating(cluster);
  return {
    name,
    kind: 'azure-key-vault',
    vault,
    endpoint: lab.urls.azureResourceManager,
    authorityHost: lab.urls.azureAuthority,
    credential: { tenantId: azure.tenantId, clientId: azure.clientId, clientSecret: 'env:LAB_AZURE_SECRET' },
    projects: [project.id],
    policy: 'sync',
  };
});
for (const on of ['atlas', 'azure', 'entra'] as const) {
  lab.faults.add({ on, act: { kind: 'latency', ms: Number(latencyText) } });
}
writeFileSync(`${folder}/lab-ca.pem`, lab.caCertificatePem);
writeFileSync(
  `${folder}/postern.yaml`,
  JSON.stringify({
    state: 'journal.db',
    atlas: {
      baseUrl: lab.urls.atlas,
      auth: {
        serviceAccount: { clientId: atlas.serviceAccount.clientId, clientSecret: 'env:LAB_ATLAS_SECRET' },
      },
    },
    gates,
  }),
);
process.on('message', question => {
  if (question === 'requests') {
    const counts: Record<string, number> = {};
    for (const { service } of lab.requests) counts[service] = (counts[service] ?? 0) + 1;
    lab.requests.length = 0;
    process.send!(counts);
  }
});
process.send!({
  LAB_ATLAS_SECRET: atlas.serviceAccount.clientSecret,
  LAB_AZURE_SECRET: azure.clientSecret,
});
