import { Blocks, Expression, hclBlock } from '../../export/hcl.ts';
import { shellWord } from '../../export/shell.ts';
import { type Grant, identifierOf, type PermissionsOf } from '../grant.ts';

/**
 * A custom role on the vault alone. Microsoft Learn, "Azure custom roles": a role may be assignable in a
 * resource group and no wider, and it is the scope of the assignment that says where it holds.
 */
export const permissionsOf: PermissionsOf<'azure-key-vault'> = ({ name, vault }): readonly Grant[] => {
  const group = vault.split('/').slice(0, 5).join('/');
  const subscription = vault.split('/').slice(0, 3).join('/');
  const vaultName = vault.split('/').at(-1)!;
  const role = {
    Name: `Postern ${vaultName}`,
    IsCustom: true,
    Description: 'Reads and writes the firewall of a key vault, for Postern. No right on keys or secrets.',
    Actions: ['Microsoft.KeyVault/vaults/read', 'Microsoft.KeyVault/vaults/write'],
    NotActions: [],
    DataActions: [],
    NotDataActions: [],
    AssignableScopes: [group],
  };
  const file = `postern-role-${vaultName}.json`;
  const id = identifierOf(name);
  return [
    {
      title: `Postern's own role on the vault ${vaultName}`,
      notes: [
        'vaults/write also lets its holder change access policies; Azure has no narrower right for the firewall, so assign it on this one vault.',
        'With policy observe, Microsoft.KeyVault/vaults/read is enough: leave …/write out.',
        'Where the vault has virtual network rules, Azure may also ask for Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action on those subnets, because a write repeats them.',
      ],
      document: { file, json: role },
      commands: [
        `az role definition create --role-definition @${file}`,
        `az role assignment create --assignee-object-id OBJECT_ID --assignee-principal-type ServicePrincipal --role ${shellWord(role.Name)} --scope ${shellWord(vault)}`,
      ],
      terraform: [
        hclBlock('resource', ['azurerm_role_definition', `postern_${id}`], {
          name: role.Name,
          scope: subscription,
          description: role.Description,
          permissions: new Blocks({ actions: role.Actions, not_actions: [] }),
          assignable_scopes: [group],
        }),
        hclBlock('resource', ['azurerm_role_assignment', `postern_${id}`], {
          scope: vault,
          role_definition_id: new Expression(
            `azurerm_role_definition.postern_${id}.role_definition_resource_id`,
          ),
          principal_id: new Expression('var.postern_principal_id'),
        }),
      ].join('\n\n'),
    },
  ];
};
