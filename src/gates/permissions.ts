/**
 * The least rights that each gate needs, as text that is ready to use: for this key, vault or level and no
 * other. Pure.
 */
import type { GateConfig } from '../config/config.ts';
import { permissionsOf as awsKeyPolicy } from './aws-key-policy/permissions.ts';
import { permissionsOf as awsRolePolicy } from './aws-role-policy/permissions.ts';
import { permissionsOf as azureKeyVault } from './azure-key-vault/permissions.ts';
import type { GateKind } from './gate.ts';
import { permissionsOf as gcpAccessLevel } from './gcp-access-level/permissions.ts';
import type { Grant, PermissionsOf } from './grant.ts';

/** A new kind of gate is one line here. */
const kinds: { readonly [Kind in GateKind]: PermissionsOf<Kind> } = {
  'aws-role-policy': awsRolePolicy,
  'aws-key-policy': awsKeyPolicy,
  'azure-key-vault': azureKeyVault,
  'gcp-access-level': gcpAccessLevel,
};

export function permissionsOf(gate: GateConfig): readonly Grant[] {
  // The table pairs each kind with its own config, which TypeScript cannot follow through the look-up.
  return (kinds[gate.kind] as PermissionsOf<GateKind>)(gate as never);
}
