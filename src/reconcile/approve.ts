/** A person's yes to a removal: for exactly the addresses that the plan would close, and for some time. */
import type { Journal } from '../journal/journal.ts';
import type { Plan } from '../plan/plan.ts';

/** Long enough for a weekend, and short enough that nobody has forgotten it. */
export const defaultApprovalMs = 3 * 24 * 60 * 60_000;

export interface ApprovalGiven {
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
  /** Default: three days. */
  readonly expiresInMs?: number;
}

/** Durable when it resolves; gives its id. Throws as the journal does. */
export function approveClosing(
  journal: Journal,
  { gate, checksum }: { readonly gate: Pick<Plan['gate'], 'id' | 'name'>; readonly checksum: string },
  closing: Plan['closing'],
  { by, reason, atMs, expiresInMs = defaultApprovalMs }: ApprovalGiven,
): Promise<number> {
  return journal.approve({
    gateId: gate.id,
    gateName: gate.name,
    cidrs: closing,
    planChecksum: checksum,
    by,
    reason,
    atMs,
    expiresAtMs: atMs + expiresInMs,
  });
}
