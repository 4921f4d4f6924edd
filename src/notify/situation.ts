/** What someone is told about: situations that last, and things that happened once. */
import type { Severity } from '../finding.ts';

export interface Situation {
  /** The same situation has the same key from cycle to cycle, and after a restart: `locked-out/production`. */
  readonly key: string;
  /** Stable and in kebab-case, for filters: `locked-out`. */
  readonly id: string;
  readonly severity: Severity;
  /** One sentence: which thing, what is so. */
  readonly message: string;
  readonly gate?: string;
  readonly feed?: string;
  readonly addresses: readonly string[];
  /** One sentence: what Postern did about it, or does. */
  readonly did: string;
  /** One sentence: what a person should do. */
  readonly remedy?: string;
}

/**
 * `opened`: a situation began. `worsened`: it is more severe than it was. `reminder`: it lasts. `resolved`: it
 * is over. `event`: something happened that has no end, such as a write.
 */
export const noticeKinds = ['opened', 'worsened', 'reminder', 'resolved', 'event'] as const;
export type NoticeKind = (typeof noticeKinds)[number];

/** One message that goes to channels. */
export interface Notice {
  /** The same message has the same id however often it is sent, so that a receiver can tell a repetition. */
  readonly id: string;
  readonly kind: NoticeKind;
  readonly situation: Situation;
  readonly atMs: number;
  /** Since when it is so. */
  readonly sinceMs: number;
}
