/** Reads from Atlas which projects use customer keys, and whose. */
import {
  type AtlasClient,
  identityForKey,
  listProjects,
  readCloudProviderAccess,
  readEncryptionAtRest,
} from '../../atlas/index.ts';
import { usesCustomerKey } from '../../doctor/gather.ts';
import { createLimit } from '../../limit.ts';
import type { Found } from './propose.ts';

/** Requests under way at once. */
const concurrency = 16;

export interface Discovery {
  readonly looked: number;
  readonly found: readonly Found[];
  /** Projects whose key could not be read, and why. */
  readonly failed: readonly { readonly name: string; readonly because: string }[];
}

/**
 * Throws AtlasError, AtlasAnswerError or TransportError when the projects cannot be listed; one whose key
 * cannot be read stops no other.
 *
 * @param only these projects; undefined: all that the credentials see
 */
export async function discover(
  client: AtlasClient,
  {
    organization,
    only,
  }: { readonly organization: string | undefined; readonly only: readonly string[] | undefined },
): Promise<Discovery> {
  const visible = await listProjects(client, organization);
  const projects = visible.filter(({ id }) => only?.includes(id) ?? true);
  const unseen = (only ?? []).filter(id => !visible.some(project => project.id === id));
  const failed = unseen.map(id => ({ name: id, because: 'the credentials do not see it' }));
  const limit = createLimit(concurrency);
  const found = await Promise.all(
    projects.map(({ id, name }) =>
      limit(async (): Promise<Found | undefined> => {
        try {
          const encryption = await readEncryptionAtRest(client, id);
          if (!usesCustomerKey(encryption)) return undefined;
          const awsRole = encryption.awsKms?.enabled
            ? await awsRoleOf(client, id, encryption.awsKms.roleId ?? undefined)
            : undefined;
          return { id, name, encryption, awsRole };
        } catch (error) {
          failed.push({ name, because: error instanceof Error ? error.message : String(error) });
          return undefined;
        }
      }),
    ),
  );
  return { looked: projects.length, found: found.filter(each => each !== undefined), failed };
}

/** Atlas tells it to project owners only, so not to be told is usual. */
async function awsRoleOf(
  client: AtlasClient,
  projectId: string,
  roleId: string | undefined,
): Promise<string | undefined> {
  try {
    return identityForKey((await readCloudProviderAccess(client, projectId)).awsRoles, roleId);
  } catch {
    return undefined;
  }
}
