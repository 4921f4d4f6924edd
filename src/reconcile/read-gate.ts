import type { GateState } from '../gates/gate.ts';
import { inSpan } from '../telemetry/span.ts';
import type { Run } from './run.ts';

/** The gate as it is now. Throws as `Gate.read` does. */
export function readGate({ gate }: Pick<Run, 'gate'>): Promise<GateState> {
  return inSpan('gate.read', { 'postern.gate': gate.name, 'postern.gate_kind': gate.kind }, async span => {
    const state = await gate.read();
    span.set({ 'postern.entries': state.entries.length, 'postern.lets': state.lets });
    return state;
  });
}
