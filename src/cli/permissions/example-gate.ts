import { type GateConfig, toGate } from '../../config/index.ts';
import { defaultPolicyName, defaultSid } from '../../config/schema.ts';
import type { GateKind } from '../../gates/gate.ts';

/** A gate of some kind with capitals where its identifiers stand: for text that is to be filled in. Pure. */
export function exampleGate(kind: GateKind): GateConfig {
  const common = { name: 'GATE', projects: [] };
  const aws = {
    key: 'arn:aws:kms:REGION:ACCOUNT:key/KEY_ID',
    role: 'arn:aws:iam::ACCOUNT:role/ATLAS_ROLE',
  };
  switch (kind) {
    case 'aws-role-policy':
      return toGate({ ...common, ...aws, kind, policyName: defaultPolicyName }, '.');
    case 'aws-key-policy':
      return toGate({ ...common, ...aws, kind, sid: defaultSid }, '.');
    case 'azure-key-vault':
      return toGate(
        {
          ...common,
          kind,
          vault: '/subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/Microsoft.KeyVault/vaults/VAULT',
        },
        '.',
      );
    case 'gcp-access-level':
      return toGate(
        {
          ...common,
          kind,
          level: 'accessPolicies/POLICY/accessLevels/LEVEL',
          perimeter: 'accessPolicies/POLICY/servicePerimeters/PERIMETER',
        },
        '.',
      );
  }
}
