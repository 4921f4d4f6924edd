/**
 * A project's events: GET groups/{id}/events. They are hints that something may have changed, and signs that a
 * key does not work; no address is ever taken from them. No event exists for a change of the control plane.
 */
import { z } from 'zod';
import { type AtlasClient, apiVersions } from './client.ts';
import { AtlasAnswerError, AtlasError } from './errors.ts';

/** After these a project's nodes may have, or be about to have, other addresses. */
export const topologyEventTypes = [
  'CLUSTER_IP_MIGRATED_FIRST_ROUND',
  'CLUSTER_IP_MIGRATED_SECOND_ROUND',
  'CLUSTER_IP_MIGRATED_FINAL_ROUND',
  'CLUSTER_IP_ROLLED_BACK',
  'CLUSTER_MIGRATE_BACK_TO_AWS_MANAGED_IP_REQUESTED',
  'CLUSTER_CREATED',
  'CLUSTER_READY',
  'CLUSTER_UPDATE_SUBMITTED',
  'CLUSTER_UPDATE_STARTED',
  'CLUSTER_UPDATE_COMPLETED',
  'CLUSTER_DELETED',
  'CLUSTER_INSTANCE_REPLACED',
  'AUTO_HEALING_REQUESTED_INSTANCE_REPLACEMENT',
  'OS_MAINTENANCE_REPLACEMENT',
  'CLUSTER_AUTO_SHARDING_INITIATED',
] as const;

/** These say that Atlas cannot use a key, or not reach its KMS. */
export const troubleEventTypes = [
  'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED',
  'ENCRYPTION_AT_REST_CONFIG_NO_LONGER_VALID',
  'ENCRYPTION_AT_REST_CONFIGURATION_VALIDATION_FAILED',
  'AWS_ENCRYPTION_KEY_INVALID',
  'AZURE_ENCRYPTION_KEY_INVALID',
  'GCP_ENCRYPTION_KEY_INVALID',
] as const;

/** Worth a look at the gates, and no trouble by itself. */
export const keyEventTypes = [
  'ENCRYPTION_AT_REST_CONFIGURATION_UPDATED',
  'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_RESTORED',
] as const;

export const watchedEventTypes: readonly string[] = [
  ...topologyEventTypes,
  ...troubleEventTypes,
  ...keyEventTypes,
];

const trouble: ReadonlySet<string> = new Set(troubleEventTypes);

export interface AtlasEvent {
  readonly id: string;
  readonly type: string;
  /** By Atlas's clock. */
  readonly atMs: number;
  readonly clusterName: string | undefined;
  /** Whether it says that a key does not work. */
  readonly isTrouble: boolean;
}

const answer = z.object({ results: z.array(z.unknown()) });
const item = z.object({
  id: z.string().min(1),
  created: z.string(),
  eventTypeName: z.string().min(1),
  clusterName: z.string().nullish(),
});

/** One page: were there more that matter in one interval, one would do as a hint. */
const maxEvents = 500;

/**
 * The watched events since a time, newest first; what is no event is left out. Atlas's list of types changes
 * often, and an answer of 400 to ours is met by asking for all types and choosing here.
 *
 * Throws AtlasError, AtlasAnswerError or TransportError.
 */
export async function readEvents(
  client: AtlasClient,
  projectId: string,
  { sinceMs }: { readonly sinceMs: number },
): Promise<readonly AtlasEvent[]> {
  const path = `/api/atlas/v2/groups/${encodeURIComponent(projectId)}/events`;
  const query = new URLSearchParams({
    itemsPerPage: String(maxEvents),
    pageNum: '1',
    includeCount: 'false',
    minDate: new Date(sinceMs).toISOString().replace(/\.\d+Z$/, 'Z'),
  });
  const filtered = new URLSearchParams(query);
  for (const type of watchedEventTypes) filtered.append('eventType', type);
  let body: unknown;
  try {
    body = await client.get(`${path}?${filtered}`, apiVersions.events);
  } catch (error) {
    if (!(error instanceof AtlasError) || error.status !== 400) throw error;
    body = await client.get(`${path}?${query}`, apiVersions.events);
  }
  const parsed = answer.safeParse(body);
  if (!parsed.success)
    throw new AtlasAnswerError('malformed', client.urlOf(path), '`results` is not a list.');
  return parsed.data.results.flatMap(toEvent);
}

function toEvent(value: unknown): readonly AtlasEvent[] {
  const parsed = item.safeParse(value);
  if (!parsed.success || !watchedEventTypes.includes(parsed.data.eventTypeName)) return [];
  const { id, created, eventTypeName, clusterName } = parsed.data;
  const atMs = Date.parse(created);
  if (Number.isNaN(atMs)) return [];
  return [
    {
      id,
      type: eventTypeName,
      atMs,
      clusterName: clusterName ?? undefined,
      isTrouble: trouble.has(eventTypeName),
    },
  ];
}
