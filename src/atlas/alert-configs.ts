/** A project's alerts: GET groups/{id}/alertConfigs. */
import { z } from 'zod';
import { parseAnswer } from './answer.ts';
import { type AtlasClient, apiVersions } from './client.ts';

/**
 * Atlas raises it when a KMS refuses its addresses. On by default in new projects; older ones lack it (Atlas
 * docs, "Encryption at Rest using Customer Key Management").
 */
export const networkDeniedEvent = 'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED';

const alertConfig = z.object({ eventTypeName: z.string(), enabled: z.boolean().nullish() });

export const alertStates = ['on', 'off', 'missing'] as const;
export type AlertState = (typeof alertStates)[number];

/** Whether the project has the alert above. Follows every page. Throws AtlasError, AtlasAnswerError, TransportError. */
export async function readNetworkDeniedAlert(client: AtlasClient, projectId: string): Promise<AlertState> {
  const path = `/api/atlas/v2/groups/${encodeURIComponent(projectId)}/alertConfigs`;
  const all = await client.getAll(path, apiVersions.alertConfigs);
  const configs = parseAnswer(z.array(alertConfig), all, client, path);
  const ours = configs.filter(({ eventTypeName }) => eventTypeName === networkDeniedEvent);
  if (ours.length === 0) return 'missing';
  return ours.some(({ enabled }) => enabled === true) ? 'on' : 'off';
}
