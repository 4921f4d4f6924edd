/** What Postern needs in Atlas, as text that is ready to use. Pure. */
import { Expression, hclBlock } from '../export/hcl.ts';
import type { Grant } from '../gates/grant.ts';

/** Atlas's OpenAPI, `x-rolesRequirements` of the endpoints that Postern reads. */
export function atlasPermissions(projects: readonly string[]): Grant {
  const shown = projects.length === 0 ? ['PROJECT_ID'] : projects;
  return {
    title: 'what Postern reads with',
    notes: [
      `A service account with the role Project Read Only on ${projects.length > 1 ? 'each of the projects' : 'the project'} ${shown.join(', ')}. Nothing that Postern sends to Atlas can write.`,
      'It reads addresses, clusters, the state of the key, events, and the alerts on the KMS that are open: without the right to the last, removals are held against the state of the key alone.',
      "The control plane's addresses need no credentials. An API key with the same role does as well; MongoDB calls API keys legacy.",
      '`postern init` also looks for the role that Atlas assumes in AWS, which Atlas tells a Project Owner only; without that right, name it with --aws-role.',
      'Where the organization requires an API access list, put the address that Postern calls from on the list of the service account.',
    ],
    commands: [],
    terraform: shown
      .map((projectId, index) =>
        hclBlock(
          'resource',
          ['mongodbatlas_project_service_account', index === 0 ? 'postern' : `postern_${index + 1}`],
          {
            project_id: projectId === 'PROJECT_ID' ? new Expression('var.project_id') : projectId,
            name: 'postern',
            description: 'Postern reads the addresses and the state of the key',
            roles: ['GROUP_READ_ONLY'],
            secret_expires_after_hours: 2160,
          },
        ),
      )
      .join('\n\n'),
  };
}
