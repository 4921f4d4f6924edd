/** The addresses that are listed for a project's key, whatever its cloud: counted, and meddled with. */
import type { LabKey } from './atlas/model.ts';
import { countAddresses, withoutAddress } from './aws/listed-addresses.ts';
import type { AccessLevel } from './gcp/model.ts';
import type { Lab } from './index.ts';

/** How many are listed; undefined where there is no list. */
export function countListed({ azure, aws, gcp }: Lab, key: LabKey | undefined): number | undefined {
  switch (key?.cloud) {
    case 'azure':
      return azure.get(key.vaultId).properties.networkAcls?.ipRules.length;
    case 'aws': {
      const own = [...aws.iam.role(key.roleArn).inline.newest.values()].map(({ document }) => document);
      const policies = [aws.kms.key(key.keyArn).policy.newest, ...own];
      return policies.reduce((sum, policy) => sum + countAddresses(policy), 0);
    }
    case 'gcp': {
      const lists = gcp.levelsFor(key).map(name => subnetworksOf(gcp.level(name)).length);
      return lists.reduce((sum, length) => sum + length, 0);
    }
    default:
      return undefined;
  }
}

/** Someone else takes an address out, as it is written there. */
export function takeOut({ azure, aws, gcp }: Lab, key: LabKey | undefined, address: string): void {
  switch (key?.cloud) {
    case 'azure':
      azure.edit(key.vaultId, 'terraform@example.com', ({ properties: { networkAcls } }) => {
        if (networkAcls) networkAcls.ipRules = networkAcls.ipRules.filter(({ value }) => value !== address);
      });
      return;
    case 'aws': {
      const change = (policy: any) => withoutAddress(policy, address);
      aws.kms.edit(key.keyArn, change);
      for (const name of aws.iam.role(key.roleArn).inline.newest.keys()) {
        aws.iam.edit(key.roleArn, name, change);
      }
      return;
    }
    case 'gcp':
      for (const name of gcp.levelsFor(key)) {
        gcp.editLevel(name, ({ basic }) => {
          for (const condition of basic?.conditions ?? []) {
            condition.ipSubnetworks = condition.ipSubnetworks?.filter(listed => listed !== address) ?? [];
          }
        });
      }
      return;
    default:
      throw new Error('the lab knows no list for this project');
  }
}

function subnetworksOf(level: AccessLevel | undefined): readonly string[] {
  return (level?.basic?.conditions ?? []).flatMap(({ ipSubnetworks }) => ipSubnetworks ?? []);
}
