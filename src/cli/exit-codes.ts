/** What a process ends with; scripts rely on these numbers. */
export const exitCodes = {
  /** Done, nothing to do, or everything is let in. */
  ok: 0,
  failed: 1,
  /** `plan`: changes are pending. `check`: an address is not let in. `doctor`: something is wrong. */
  pending: 2,
  /** An observation is incomplete, so the answer is not vouched for. */
  unsure: 3,
  /** A guard, a moved plan, a lock, or the operator said no; nothing was written. */
  refused: 4,
  /** The command line is wrong. */
  usage: 64,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodeHelp = `Exit codes:
  0   done, nothing to do, or everything is let in
  1   failed
  2   changes are pending (plan), an address is not let in (check), something is wrong (doctor)
  3   cannot tell: an answer was incomplete
  4   refused: a guard, a moved plan, a lock, or your no
  64  the command line is wrong`;
