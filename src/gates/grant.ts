/** The least rights of a gate, as text that is ready to use. */
import type { GateConfig } from '../config/config.ts';
import type { GateKind } from './gate.ts';

/** One thing to set up. */
export interface Grant {
  readonly title: string;
  /** What it is for, what it lets its holder do, and what it does not. */
  readonly notes: readonly string[];
  /** A document that a command or a console takes. */
  readonly document?: { readonly file: string; readonly json: object };
  /** Lines for a shell; what is to be filled in stands in capitals. */
  readonly commands: readonly string[];
  /** Terraform's language, as `terraform fmt` leaves it. */
  readonly terraform: string;
}

/** What a set of rights is about: the identifiers of one gate. */
export type PermissionsOf<Kind extends GateKind> = (
  gate: Extract<GateConfig, { kind: Kind }>,
) => readonly Grant[];

/** A name for files, roles and Terraform, made of a gate's own. */
export function identifierOf(name: string): string {
  return name.replace(/[^A-Za-z0-9]+/g, '_').replace(/^(?=\d)/, '_');
}
