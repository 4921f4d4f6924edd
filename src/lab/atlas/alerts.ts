/** Atlas's alerts of a project, as GET groups/{id}/alerts gives them: opened while a condition stands, then closed. */
import type { Clock } from '../../clock.ts';

/** What no source tells of alerts on a KMS, so that a test has it either way. */
export interface AlertBehaviour {
  /** How long the KMS has refused a node before Atlas notices. */
  noticeMs: number;
  /** How long an alert is `TRACKING` before it is `OPEN`: the delay of its notification. */
  trackingMs: number;
}

export interface LabAlert {
  readonly id: string;
  readonly projectId: string;
  readonly type: string;
  readonly createdMs: number;
  resolvedMs?: number;
  /** Until when a user has acknowledged it. */
  acknowledgedUntilMs?: number;
}

export class LabAlerts {
  readonly behaviour: AlertBehaviour = { noticeMs: 0, trackingMs: 0 };
  readonly #clock: Clock;
  readonly #alerts: LabAlert[] = [];
  readonly #sinceMs = new Map<string, number>();
  #next = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Atlas looks at the condition of an alert: opens one when it has stood for long enough, closes it when it is over. */
  look(projectId: string, type: string, stands: boolean): void {
    const key = `${projectId} ${type}`;
    const nowMs = this.#clock.now();
    const open = this.open(projectId).find(alert => alert.type === type);
    if (!stands) {
      this.#sinceMs.delete(key);
      if (open) open.resolvedMs = nowMs;
      return;
    }
    const sinceMs = this.#sinceMs.get(key) ?? nowMs;
    this.#sinceMs.set(key, sinceMs);
    if (open || nowMs - sinceMs < this.behaviour.noticeMs) return;
    const id = (this.#next++).toString(16).padStart(24, '6a7950465a068714fc000000');
    this.#alerts.unshift({ id, projectId, type, createdMs: nowMs });
  }

  open(projectId: string): readonly LabAlert[] {
    return this.#alerts.filter(alert => alert.projectId === projectId && alert.resolvedMs === undefined);
  }

  /** As the API filters. */
  answer(projectId: string, query: URLSearchParams): readonly unknown[] {
    const asked = query.get('status');
    return this.#alerts
      .filter(
        alert => alert.projectId === projectId && (asked ?? this.#statusOf(alert)) === this.#statusOf(alert),
      )
      .map(alert => ({
        ...(alert.acknowledgedUntilMs !== undefined && {
          acknowledgedUntil: isoOf(alert.acknowledgedUntilMs),
          acknowledgingUsername: 'alice@example.com',
        }),
        alertConfigId: '5efda6aea3f2ed2e7dd6ce08',
        created: isoOf(alert.createdMs),
        eventTypeName: alert.type,
        groupId: projectId,
        id: alert.id,
        links: [],
        ...(alert.resolvedMs !== undefined && { resolved: isoOf(alert.resolvedMs) }),
        status: this.#statusOf(alert),
        updated: isoOf(alert.resolvedMs ?? alert.createdMs),
      }));
  }

  #statusOf({ createdMs, resolvedMs }: LabAlert): 'OPEN' | 'TRACKING' | 'CLOSED' {
    if (resolvedMs !== undefined) return 'CLOSED';
    return this.#clock.now() - createdMs < this.behaviour.trackingMs ? 'TRACKING' : 'OPEN';
  }
}

/** Atlas's times have whole seconds. */
function isoOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
