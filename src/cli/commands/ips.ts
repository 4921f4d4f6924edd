/** `postern ips`: the addresses that Atlas uses, as it lists them now. */
import type { Cloud, Direction, FeedId } from '../../address/address.ts';
import type { Observation } from '../../atlas/index.ts';
import type { Config } from '../../config/index.ts';
import { type ExportFormat, isExportFormat } from '../../export/formats.ts';
import { exportTarget } from '../../export/target.ts';
import { printable } from '../../plan/render/printable.ts';
import type { CommandAction, CommandContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { printExport } from '../export/print.ts';
import { UsageError } from '../failures.ts';
import { printFindings } from '../findings.ts';
import { readListings } from '../ips/read.ts';
import { type IpsFormat, renderIps } from '../ips/render.ts';
import { selectAddresses } from '../ips/select.ts';

interface IpsOptions {
  readonly project?: readonly string[];
  readonly format?: IpsFormat | ExportFormat;
  readonly feed?: 'control-plane' | 'nodes';
  readonly direction?: Direction | 'all';
  readonly cloud?: Cloud;
  readonly region?: string;
  readonly cluster?: string;
  readonly merge?: boolean;
  readonly allowIncomplete?: boolean;
}

export const run: CommandAction<IpsOptions> = async (context, _args, options) => {
  const { output } = context;
  const config = context.loadConfig();
  const projects = projectsOf(options, config);
  if (isExportFormat(options.format)) refuseFilters(options);
  const step = output.step(`reading from ${config.atlas.baseUrl}`);
  const listings = await readListings(context, config, { projects, controlPlane: options.feed !== 'nodes' });
  const observations = listings.map(({ observation }) => observation);
  const incomplete = observations.filter(({ complete }) => !complete);
  const read = listings.flatMap(({ observation, everything }) =>
    options.direction === undefined ? observation.addresses : everything,
  );
  if (incomplete.length === 0) step.done(`${feedNames(observations)}: complete`);
  else step.fail(`${feedNames(incomplete)}: incomplete`);

  const addresses = selectAddresses(read, options);
  for (const observation of observations) printFindings(output, observation.findings);
  if (isExportFormat(options.format)) {
    if (projects.length === 0) {
      output.warn(
        `${output.styleNote('yellow', 'warning:')} the list holds the control plane alone. A KMS must let in the nodes too: name their projects with --project.`,
      );
    }
    printExport(context, options.format, exportTarget(), {
      cidrs: addresses.map(({ cidr }) => cidr),
      incomplete: incomplete.map(({ feed, faults }) => `${feed}: ${faults[0]?.message ?? 'no reason given'}`),
      merge: options.merge ?? false,
      allowIncomplete: options.allowIncomplete ?? false,
    });
    return incomplete.length === 0 ? exitCodes.ok : exitCodes.unsure;
  }
  const format = options.format ?? (output.isJson ? 'json' : 'table');
  // With nothing read at all there is no list to print; an empty one could be taken for Atlas's answer.
  if (read.length > 0 || incomplete.length === 0) {
    renderIps(output, format, { addresses, observations });
  }
  return incomplete.length === 0 ? exitCodes.ok : reportIncomplete(context, incomplete, read.length);
};

/** A policy made of a part of the list would lock Atlas out. */
function refuseFilters(options: IpsOptions): void {
  const filter = (['feed', 'direction', 'cloud', 'region', 'cluster'] as const).find(
    name => options[name] !== undefined,
  );
  if (filter === undefined) return;
  throw new UsageError(
    `--${filter} and --format ${options.format} do not go together: a KMS that lets in a part of the list locks Atlas out.`,
    `Leave --${filter} out, or take another format.`,
  );
}

function projectsOf({ project, feed, cluster }: IpsOptions, config: Config): readonly string[] {
  if (feed === 'control-plane') return [];
  if (project) return [...new Set(project)];
  if (feed !== 'nodes' && cluster === undefined) return [];
  const configured = [...new Set(config.gates.flatMap(gate => gate.projects))];
  if (configured.length > 0) return configured;
  throw new UsageError(
    'Whose nodes is not said.',
    'Name a project with --project, or list projects in the config’s gates.',
  );
}

function feedNames(observations: readonly Observation[]): string {
  return observations.map(({ feed }): FeedId => feed).join(', ');
}

function reportIncomplete(
  { output }: CommandContext,
  incomplete: readonly Observation[],
  count: number,
): ExitCode {
  for (const { feed, faults } of incomplete) {
    output.warn(`${output.styleNote('red', 'error:')} the reading of ${feed} is incomplete:`);
    for (const { message } of faults) output.warn(`  ${printable(message)}`);
  }
  output.warn(
    count === 0
      ? `  ${output.styleNote('bold', 'to do:')} nothing could be read; see the reasons above.`
      : `  ${output.styleNote('bold', 'to do:')} addresses may be missing from the list. Do not replace an access list with it; adding them is safe.`,
  );
  return count === 0 ? exitCodes.failed : exitCodes.unsure;
}
