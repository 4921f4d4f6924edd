/**
 * When the secrets of a project's service account end: GET groups/{id}/serviceAccounts/{clientId}. Atlas lets
 * only some roles ask, so a caller takes a failure for "not known".
 */
import { z } from 'zod';
import { parseAnswer } from './answer.ts';
import { type AtlasClient, apiVersions } from './client.ts';

const answer = z.object({ secrets: z.array(z.object({ expiresAt: z.string().nullish() })).nullish() });

/**
 * Which of several secrets is the one in use is not told, so the answer is when the last of them ends, in epoch
 * milliseconds; undefined where Atlas names none. Throws AtlasError, AtlasAnswerError or TransportError.
 */
export async function readSecretExpiry(
  client: AtlasClient,
  projectId: string,
  clientId: string,
): Promise<number | undefined> {
  const path = `/api/atlas/v2/groups/${encodeURIComponent(projectId)}/serviceAccounts/${encodeURIComponent(clientId)}`;
  const { secrets } = parseAnswer(answer, await client.get(path, apiVersions.serviceAccounts), client, path);
  const ends = (secrets ?? []).map(({ expiresAt }) => Date.parse(expiresAt ?? '')).filter(Number.isFinite);
  return ends.length === 0 ? undefined : Math.max(...ends);
}
