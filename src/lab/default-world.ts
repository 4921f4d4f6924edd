import type { AtlasModel, LabProject } from './atlas/model.ts';
import type { Lab } from './index.ts';

export const labOrganizationId = 'a0123456789abcdef012345a';
export const labVaultId =
  '/subscriptions/ea42f556-5106-4743-99b0-c129bfa71a47/resourceGroups/payments/providers/Microsoft.KeyVault/vaults/payments-cmk';

/** What others wrote into the vault's list: an office and a build runner. */
export const foreignRules = ['198.17.0.0/24', '52.7.232.43/32'];

/**
 * One team: the project `payments` with a replica set and a sharded cluster, whose key is in a vault that
 * lets in two addresses of its owners and one subnet, and nobody else.
 */
export function defaultWorld({ atlas, azure, credentials }: Lab): LabProject {
  azure.addVault(
    labVaultId,
    {
      bypass: 'AzureServices',
      defaultAction: 'Deny',
      ipRules: foreignRules.map(value => ({ value })),
      virtualNetworkRules: [
        {
          id: '/subscriptions/ea42f556-5106-4743-99b0-c129bfa71a47/resourcegroups/payments/providers/microsoft.network/virtualnetworks/office/subnets/admins',
        },
      ],
    },
    credentials.azure.tenantId,
  );
  const project = atlas.addProject('payments', labOrganizationId, { cloud: 'azure', vaultId: labVaultId });
  addClusters(atlas, project);
  return project;
}

/** A replica set and a sharded cluster, both in use. */
export function addClusters(atlas: AtlasModel, project: LabProject): void {
  const orders = atlas.createCluster(project.id, 'orders');
  atlas.provision(orders, 3);
  atlas.finishCreating(orders);
  const ledger = atlas.createCluster(project.id, 'ledger', 'SHARDED');
  atlas.provision(ledger, 9);
  atlas.finishCreating(ledger);
}
