import { Expression, hclBlock } from '../../export/hcl.ts';
import { type Grant, identifierOf, type PermissionsOf } from '../grant.ts';

/**
 * A custom role, granted on the access policy: Access Context Manager has no narrower place, so a level of one's
 * own policy, scoped to the project, is the way to keep it from reaching others (gcloud reference,
 * `access-context-manager policies add-iam-policy-binding`).
 */
export const permissionsOf: PermissionsOf<'gcp-access-level'> = ({
  name,
  level,
  perimeter,
  quotaProject,
}): readonly Grant[] => {
  const policy = level.split('/')[1]!;
  const levelName = level.split('/').at(-1)!;
  const permissions = [
    'accesscontextmanager.accessLevels.get',
    'accesscontextmanager.accessLevels.create',
    'accesscontextmanager.accessLevels.update',
    'accesscontextmanager.policies.get',
    ...(perimeter === undefined ? [] : ['accesscontextmanager.servicePerimeters.get']),
  ];
  const roleId = 'posternAccessLevel';
  const id = `postern_${identifierOf(name)}`;
  const member = 'serviceAccount:POSTERN_SERVICE_ACCOUNT';
  return [
    {
      title: `Postern's own role on the access policy ${policy}`,
      notes: [
        `It holds for every level of access policy ${policy}, of which Postern writes ${levelName} alone. To keep it from the others, put the level into an access policy of its own, scoped to the key's project.`,
        '…accessLevels.create is needed until the level exists; with policy observe, …get is enough.',
        ...(quotaProject === undefined
          ? []
          : [`A user's credentials also need serviceusage.services.use on project ${quotaProject}.`]),
      ],
      document: {
        file: `${roleId}.json`,
        json: {
          title: 'Postern',
          description: 'Reads and writes access levels, for Postern. Never a perimeter.',
          stage: 'GA',
          includedPermissions: permissions,
        },
      },
      commands: [
        `gcloud iam roles create ${roleId} --organization=ORGANIZATION_ID --file=${roleId}.json`,
        `gcloud access-context-manager policies add-iam-policy-binding ${policy} --member='${member}' --role='organizations/ORGANIZATION_ID/roles/${roleId}'`,
      ],
      terraform: [
        hclBlock('resource', ['google_organization_iam_custom_role', id], {
          org_id: new Expression('var.organization_id'),
          role_id: roleId,
          title: 'Postern',
          permissions,
        }),
        hclBlock('resource', ['google_access_context_manager_access_policy_iam_member', id], {
          name: `accessPolicies/${policy}`,
          role: new Expression(`google_organization_iam_custom_role.${id}.name`),
          member: new Expression('var.postern_member'),
        }),
      ].join('\n\n'),
    },
  ];
};
