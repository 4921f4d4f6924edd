/** Atlas's events of a project: what happened, newest first, as GET groups/{id}/events gives it. */
import type { Clock } from '../../clock.ts';

export interface LabEvent {
  readonly id: string;
  readonly projectId: string;
  readonly atMs: number;
  readonly type: string;
  readonly clusterName: string | undefined;
}

/** Real projects have thousands; the oldest go first. */
const kept = 2_000;

export class LabEvents {
  readonly #clock: Clock;
  readonly #byProject = new Map<string, LabEvent[]>();
  #next = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  emit(projectId: string, type: string, clusterName?: string): void {
    const events = this.#byProject.get(projectId) ?? [];
    this.#byProject.set(projectId, events);
    const id = (this.#next++).toString(16).padStart(24, '6a7940465a068714fc000000');
    events.unshift({ id, projectId, atMs: this.#clock.now(), type, clusterName });
    events.length = Math.min(events.length, kept);
  }

  /** As the API filters: types, clusters, and a time from and until which, both inclusive. */
  answer(projectId: string, query: URLSearchParams): readonly unknown[] {
    const types = query.getAll('eventType');
    const excluded = query.getAll('excludedEventType');
    const clusters = query.getAll('clusterNames');
    const minMs = query.has('minDate') ? Date.parse(query.get('minDate')!) : Number.NEGATIVE_INFINITY;
    const maxMs = query.has('maxDate') ? Date.parse(query.get('maxDate')!) : Number.POSITIVE_INFINITY;
    return (this.#byProject.get(projectId) ?? [])
      .filter(
        ({ type, atMs, clusterName }) =>
          (types.length === 0 || types.includes(type)) &&
          !excluded.includes(type) &&
          (clusters.length === 0 || (clusterName !== undefined && clusters.includes(clusterName))) &&
          // Atlas's times have whole seconds.
          Math.floor(atMs / 1_000) * 1_000 >= minMs &&
          atMs <= maxMs,
      )
      .map(({ id, atMs, type, clusterName }) => ({
        ...(clusterName !== undefined && { clusterName }),
        created: new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z'),
        eventTypeName: type,
        groupId: projectId,
        id,
        isGlobalAdmin: false,
        links: [],
      }));
  }
}
