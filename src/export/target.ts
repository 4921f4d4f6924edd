import type { GateConfig } from '../config/config.ts';
import { defaultSid } from '../config/schema.ts';
import { identifierOf } from '../gates/grant.ts';
import type { ExportTarget } from './formats.ts';

const unknown: ExportTarget = {
  name: 'atlas_addresses',
  key: 'KEY_ARN',
  role: 'ATLAS_ROLE_ARN',
  sid: defaultSid,
  vault: '/subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/Microsoft.KeyVault/vaults/VAULT',
  level: 'accessPolicies/POLICY/accessLevels/LEVEL',
};

/** What an export is for: the identifiers of a gate, or capitals to be filled in. Pure. */
export function exportTarget(gate?: GateConfig): ExportTarget {
  if (!gate) return unknown;
  const name = `${identifierOf(gate.name)}_addresses`;
  switch (gate.kind) {
    case 'aws-role-policy':
      return { ...unknown, name, key: gate.key, role: gate.role };
    case 'aws-key-policy':
      return { ...unknown, name, key: gate.key, role: gate.role, sid: gate.sid };
    case 'azure-key-vault':
      return { ...unknown, name, vault: gate.vault };
    case 'gcp-access-level':
      return { ...unknown, name, level: gate.level };
  }
}
