import type { GcpAccessLevelConfig } from '../../config/config.ts';
import type { Gate } from '../gate.ts';
import type { GateParts } from '../index.ts';
import { createGcpAccessLevelGate } from './index.ts';

/** The gate that the config describes. */
export async function open(
  { name, level, perimeter, quotaProject, endpoint, credentialFile }: GcpAccessLevelConfig,
  { transport, clock, random }: GateParts,
): Promise<Gate> {
  return createGcpAccessLevelGate({
    name,
    level,
    perimeter,
    quotaProject,
    endpoint,
    credentialFile,
    transport,
    clock,
    random,
  });
}
