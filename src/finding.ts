/** Something a person should know, that is not itself an error of this run. */
export const severities = ['error', 'warning', 'info'] as const;
export type Severity = (typeof severities)[number];

export interface Finding {
  /** A stable name in kebab-case, such as `default-action-allow`: for filters, alerts and docs. */
  readonly id: string;
  /** `error`: Atlas is, or soon will be, locked out, or the list has no effect. */
  readonly severity: Severity;
  /** One sentence: which thing, what is so. */
  readonly message: string;
  /** One sentence: what to do about it. */
  readonly remedy?: string;
}
