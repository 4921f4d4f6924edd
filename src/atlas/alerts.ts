/**
 * A project's alerts that are open: GET groups/{id}/alerts. They are what Atlas itself says of a KMS that refuses
 * its nodes, which `valid` need not show, since a node calls its KMS on its own.
 */
import { z } from 'zod';
import { parseAnswer } from './answer.ts';
import { type AtlasClient, apiVersions, onlyOfNow } from './client.ts';

/** Alerts that say that Atlas cannot use a key, or not reach its KMS (Atlas's OpenAPI, `AlertViewForNdsGroup`). */
export const kmsAlertTypes: readonly string[] = [
  'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED',
  'ENCRYPTION_AT_REST_CONFIG_NO_LONGER_VALID',
  'AWS_ENCRYPTION_KEY_INVALID',
  'AZURE_ENCRYPTION_KEY_INVALID',
  'GCP_ENCRYPTION_KEY_INVALID',
];

/** `TRACKING`: its condition is met, and has not lasted for as long as its notification waits. */
const openStatuses = ['OPEN', 'TRACKING'] as const;

export interface KmsAlert {
  readonly id: string;
  readonly type: string;
  /** When it was opened, by Atlas's clock, which shows whole seconds. */
  readonly openedAtMs: number;
  /** Until when someone in Atlas has said that it is known; undefined where nobody has. */
  readonly acknowledgedUntilMs: number | undefined;
}

const alert = z.object({
  id: z.string().min(1),
  eventTypeName: z.string(),
  status: z.string(),
  created: z.string(),
  acknowledgedUntil: z.string().nullish(),
});
/** One without its type could be any. */
const typed = z.looseObject({ eventTypeName: z.string() });
const open: ReadonlySet<string> = new Set(openStatuses);

/**
 * The alerts of a project on its KMS that are open, oldest first. Follows every page. An alert of ours that
 * cannot be read makes the answer malformed: left out, it would be taken for its absence.
 *
 * Throws AtlasError, AtlasAnswerError or TransportError.
 */
export async function readKmsAlerts(client: AtlasClient, projectId: string): Promise<readonly KmsAlert[]> {
  const path = `/api/atlas/v2/groups/${encodeURIComponent(projectId)}/alerts`;
  const answers = await Promise.all(
    openStatuses.map(status => client.getAll(path, apiVersions.alerts, { status }, onlyOfNow)),
  );
  const all = parseAnswer(z.array(typed), answers.flat(), client, path);
  const alerts = parseAnswer(z.array(alert), all.filter(isOurs), client, path).filter(({ status }) =>
    open.has(status),
  );
  const byId = new Map(alerts.map(each => [each.id, each]));
  return [...byId.values()]
    .map(({ id, eventTypeName, created, acknowledgedUntil }) => ({
      id,
      type: eventTypeName,
      openedAtMs: timeOf(created) ?? Number.POSITIVE_INFINITY,
      acknowledgedUntilMs: timeOf(acknowledgedUntil),
    }))
    .sort((a, b) => a.openedAtMs - b.openedAtMs);
}

/** Other alerts have shapes of their own, and new ones come; they are not looked into. */
function isOurs({ eventTypeName }: z.infer<typeof typed>): boolean {
  return kmsAlertTypes.includes(eventTypeName);
}

/** An alert whose time cannot be read counts as one that was just opened. */
function timeOf(text: string | null | undefined): number | undefined {
  const ms = Date.parse(text ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}
