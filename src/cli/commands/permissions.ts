/** `postern permissions`: the least rights that each gate needs. Reads the config and nothing else. */
import { atlasPermissions } from '../../atlas/permissions.ts';
import type { GateConfig } from '../../config/index.ts';
import type { GateKind } from '../../gates/gate.ts';
import { permissionsOf } from '../../gates/permissions.ts';
import type { CommandAction } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { exampleGate } from '../permissions/example-gate.ts';
import { permissionsJson, renderScript, renderTerraform, type Subject } from '../permissions/render.ts';
import { gatesNamed } from '../work.ts';

interface PermissionsOptions {
  readonly gate?: readonly string[];
  readonly kind?: readonly GateKind[];
  readonly format?: 'text' | 'json' | 'terraform';
}

export const run: CommandAction<PermissionsOptions> = async ({ output, loadConfig }, _, options) => {
  const gates = options.kind
    ? [...new Set(options.kind)].map(exampleGate)
    : gatesNamed(loadConfig(), options.gate);
  const subjects = subjectsOf(gates, options.kind === undefined);
  const format = output.isJson ? 'json' : (options.format ?? 'text');
  if (format === 'json') output.json(permissionsJson(subjects));
  else output.print(format === 'text' ? renderScript(subjects) : renderTerraform(subjects));
  return exitCodes.ok;
};

/** Atlas first: one identity, however many gates there are. */
function subjectsOf(gates: readonly GateConfig[], areReal: boolean): readonly Subject[] {
  const projects = areReal ? [...new Set(gates.flatMap(gate => gate.projects))] : [];
  return [
    { about: 'Atlas', grants: [atlasPermissions(projects)] },
    ...gates.map(gate => ({
      about: areReal ? `${gate.name} (${gate.kind})` : gate.kind,
      gate: { name: gate.name, kind: gate.kind },
      grants: permissionsOf(gate),
    })),
  ];
}
