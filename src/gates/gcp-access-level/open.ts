import type { GcpAccessLevelConfig } from '../../config/config.ts';
import { type Gate, GateError } from '../gate.ts';
import type { GateParts } from '../index.ts';

/** The gate that the config describes. */
export async function open(config: GcpAccessLevelConfig, _parts: GateParts): Promise<Gate> {
  throw new GateError(config.name, 'This kind of gate is not built yet.');
}
