/** Every kind of gate, loaded when a config names one. */
import type { Clock } from '../clock.ts';
import type { GateConfig } from '../config/config.ts';
import type { SecretReference } from '../config/secret-reference.ts';
import type { Secret } from '../secret.ts';
import type { Transport } from '../transport/transport.ts';
import type { Gate, GateKind } from './gate.ts';

export interface GateParts {
  readonly transport: Transport;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  /** Throws a ConfigError when the secret is not there. */
  secretOf(reference: SecretReference): Secret;
}

type Open<Kind extends GateKind> = (
  config: Extract<GateConfig, { kind: Kind }>,
  parts: GateParts,
) => Promise<Gate>;

/** A new kind of gate is one new folder and one line here. */
const kinds: { readonly [Kind in GateKind]: () => Promise<{ readonly open: Open<Kind> }> } = {
  'aws-role-policy': () => import('./aws-role-policy/open.ts'),
  'aws-key-policy': () => import('./aws-key-policy/open.ts'),
  'azure-key-vault': () => import('./azure-key-vault/open.ts'),
  'gcp-access-level': () => import('./gcp-access-level/open.ts'),
};

export async function openGate(config: GateConfig, parts: GateParts): Promise<Gate> {
  const { open } = await kinds[config.kind]();
  // The table pairs each kind with its own config, which TypeScript cannot follow through the look-up.
  return await (open as Open<GateKind>)(config as never, parts);
}
