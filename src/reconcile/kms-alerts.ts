/** Atlas's alerts on a KMS, as a run asks for them, and which of them speak against a removal. */
import { readKmsAlerts } from '../atlas/alerts.ts';
import type { AtlasClient } from '../atlas/client.ts';
import { AtlasError } from '../atlas/errors.ts';
import type { KmsAlerts } from '../plan/input.ts';
import type { SignOfTrouble } from './run.ts';

/** Atlas's clock against ours, and its times of whole seconds. */
const clockSkewMs = 60_000;

/** Never throws: not to be told is an answer of its own. */
export async function readAlerts(client: AtlasClient, projectId: string): Promise<KmsAlerts> {
  try {
    return { projectId, known: true, open: await readKmsAlerts(client, projectId) };
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    return { projectId, known: false, because, isRefused: isRefusal(error) };
  }
}

/** No right to ask, or nobody there to be asked: the same as long as nobody changes something. */
function isRefusal(error: unknown): boolean {
  return error instanceof AtlasError && [401, 403, 404].includes(error.status);
}

/** What a write was held against when it was begun. */
export interface Since {
  readonly sinceMs: number;
  /**
   * Given where the write waited until no alert was open but those that people have acknowledged: one that nobody
   * has acknowledged by now is new then, whatever two clocks say of its time.
   */
  readonly nowMs?: number;
}

/** The newest alert that was opened after something was begun, such as a removal; undefined when there is none. Pure. */
export function newAlert(alerts: readonly KmsAlerts[], { sinceMs, nowMs }: Since): SignOfTrouble | undefined {
  return alerts
    .flatMap(each =>
      each.known
        ? each.open.map(({ type, openedAtMs, acknowledgedUntilMs = 0 }) => ({
            projectId: each.projectId,
            atMs: openedAtMs,
            what: `the alert ${type}`,
            isUnknown: nowMs !== undefined && acknowledgedUntilMs <= nowMs,
          }))
        : [],
    )
    .filter(({ atMs, isUnknown }) => isUnknown || atMs > sinceMs - clockSkewMs)
    .sort((a, b) => b.atMs - a.atMs)[0];
}
