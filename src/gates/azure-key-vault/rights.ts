/**
 * What the identity may do to the vault, by its roles and by locks, without trying it. Pure. Shape:
 * Microsoft.Authorization `permissions` 2022-04-01 and `locks` 2016-09-01.
 */
import { z } from 'zod';
import type { Finding } from '../../finding.ts';

const names = z
  .array(z.string())
  .nullish()
  .transform(list => list ?? []);

export const permissionsAnswer = z.object({
  value: z.array(z.object({ actions: names, notActions: names, dataActions: names, notDataActions: names })),
  nextLink: z.string().nullish(),
});
export type Permission = z.infer<typeof permissionsAnswer>['value'][number];

export const locksAnswer = z.object({
  value: z.array(z.object({ name: z.string().nullish(), properties: z.object({ level: z.string() }) })),
});
export type Lock = z.infer<typeof locksAnswer>['value'][number];

const needed = ['Microsoft.KeyVault/vaults/read', 'Microsoft.KeyVault/vaults/write'];

/** What Postern never does; an identity that may do it is worth more to a thief than it needs to be. */
const excessive: readonly { readonly action: string; readonly isData?: true; readonly means: string }[] = [
  { action: 'Microsoft.Authorization/roleAssignments/write', means: 'give itself and others any right' },
  { action: 'Microsoft.KeyVault/vaults/delete', means: 'delete the vault' },
  {
    action: 'Microsoft.KeyVault/vaults/keys/decrypt/action',
    isData: true,
    means: 'use the keys in the vault',
  },
  { action: 'Microsoft.KeyVault/vaults/keys/delete', isData: true, means: 'delete the keys in the vault' },
];

/** Each role gives its actions without its own notActions; what one role leaves out another may give. */
export function rightsFindings(permissions: readonly Permission[]): readonly Finding[] {
  const may = (action: string, isData = false) =>
    permissions.some(({ actions, notActions, dataActions, notDataActions }) => {
      const [given, withheld] = isData ? [dataActions, notDataActions] : [actions, notActions];
      return given.some(matching(action)) && !withheld.some(matching(action));
    });
  const lacking = needed.filter(action => !may(action));
  const excess = excessive.filter(({ action, isData }) => may(action, isData));
  return [
    ...lacking.map(action => ({
      id: 'right-lacking',
      severity: 'error' as const,
      message: `The identity that Postern runs as does not have ${action} on the vault.`,
      remedy: 'Give it a custom role with that right, on this vault only.',
    })),
    ...(excess.length === 0
      ? []
      : [
          {
            id: 'too-many-rights',
            severity: 'warning' as const,
            message: `The identity that Postern runs as may also ${joined(excess.map(({ means }) => means))}, which Postern never does.`,
            remedy: `Give it a custom role on this vault with ${joined(needed)}, and take its other roles away.`,
          },
        ]),
  ];
}

/** A lock that forbids deleting forbids Postern nothing. */
export function lockFindings(locks: readonly Lock[]): readonly Finding[] {
  return locks
    .filter(({ properties }) => properties.level.toLowerCase() === 'readonly')
    .map(({ name }) => ({
      id: 'read-only-lock',
      severity: 'error' as const,
      message: `The lock ${JSON.stringify(name ?? 'without a name')} makes the vault read-only: Azure refuses every write to its list.`,
      remedy: 'Take the lock off, or replace it by one that only forbids to delete (CanNotDelete).',
    }));
}

/** `*` stands for anything, slashes included; case does not count. */
function matching(action: string): (pattern: string) => boolean {
  return pattern => {
    const parts = pattern.split('*').map(part => part.replaceAll(/[.\\+?^${}()|[\]]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`, 'i').test(action);
  };
}

function joined(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join() : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
