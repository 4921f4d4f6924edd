import { z } from 'zod';
import { type AtlasClient, apiVersions } from './client.ts';
import { AtlasAnswerError } from './errors.ts';

const project = z.object({
  id: z.string(),
  name: z.string(),
  orgId: z.string(),
  clusterCount: z.number().int().nonnegative(),
});
export type Project = z.infer<typeof project>;

/**
 * The projects of one organization, or all that the credentials can see. Follows every page.
 * Throws AtlasError, AtlasAnswerError or TransportError.
 */
export async function listProjects(
  client: AtlasClient,
  organizationId?: string,
): Promise<readonly Project[]> {
  const path =
    organizationId === undefined
      ? '/api/atlas/v2/groups'
      : `/api/atlas/v2/orgs/${encodeURIComponent(organizationId)}/groups`;
  const parsed = z.array(project).safeParse(await client.getAll(path, apiVersions.groups));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new AtlasAnswerError(
    'malformed',
    client.urlOf(path),
    `results.${issue?.path.join('.')}: ${issue?.message}`,
  );
}
