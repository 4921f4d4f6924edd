/** `postern export`: the list for Terraform's `external` data source. Sends nothing that could write. */
import { text } from 'node:stream/consumers';
import type { Cidr } from '../../address/cidr.ts';
import { exportList } from '../../export/formats.ts';
import { exportTarget } from '../../export/target.ts';
import { planGate } from '../../reconcile/apply.ts';
import type { CommandAction, CommandContext } from '../context.ts';
import { renderError, reportError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { type ExternalQuery, parseQuery, resultOf } from '../export/external.ts';
import { listOfPlan } from '../export/list.ts';
import { RefusedError, UsageError } from '../failures.ts';
import { readListings } from '../ips/read.ts';
import { forEachGate, withSession } from '../work.ts';

interface ExportOptions {
  readonly merge?: boolean;
  readonly allowIncomplete?: boolean;
}

interface List {
  readonly cidrs: readonly Cidr[];
  /** Why it may lack addresses; empty when it does not. */
  readonly incomplete: readonly string[];
}

/** Ends with 0 or 1 and nothing else, as the protocol has it; what is wrong is told on stderr. */
export const run: CommandAction<ExportOptions> = async (context, _, options) => {
  const { output } = context;
  try {
    const query = parseQuery(await readStdin());
    const { cidrs, incomplete } = await readList(context, query);
    if (incomplete.length > 0 && !query.allowIncomplete && options.allowIncomplete !== true) {
      throw new RefusedError(
        `The list may lack addresses: ${incomplete.join('; ')}`,
        'Run Terraform again later. To have what could be read all the same: allow_incomplete = "true" in the query, or --allow-incomplete.',
      );
    }
    const merge = query.merge || options.merge === true;
    const exported = exportList(cidrs, 'terraform-json', exportTarget(), { merge });
    if (!exported.ok) throw new RefusedError(exported.message);
    output.print(JSON.stringify(resultOf(exported.cidrs, incomplete.length === 0)));
    return exitCodes.ok;
  } catch (error) {
    output.warn(renderError(reportError(error), (style, line) => output.styleNote(style, line), undefined));
    return exitCodes.failed;
  }
};

async function readStdin(): Promise<string> {
  if (!process.stdin.isTTY) return await text(process.stdin);
  throw new UsageError(
    'The query is read from stdin, and stdin is a terminal.',
    `Terraform writes it there. By hand: echo '{"gate": "NAME"}' | postern export`,
  );
}

async function readList(context: CommandContext, query: ExternalQuery): Promise<List> {
  return query.gate === undefined ? await readFeeds(context, query) : await readGate(context, query.gate);
}

async function readFeeds(context: CommandContext, { projects }: ExternalQuery): Promise<List> {
  const listings = await readListings(context, context.loadConfig(), { projects, controlPlane: true });
  const observations = listings.map(({ observation }) => observation);
  return {
    cidrs: observations.flatMap(({ addresses }) => addresses.map(({ cidr }) => cidr)),
    incomplete: observations
      .filter(({ complete }) => !complete)
      .map(({ feed, faults }) => `${feed}: ${faults[0]?.message ?? 'no reason given'}`),
  };
}

async function readGate(context: CommandContext, name: string): Promise<List> {
  const options = { mode: 'read-only', command: 'postern export', gateNames: [name] } as const;
  const [outcome] = await withSession(context, options, work =>
    forEachGate(work, async gate => planGate(await gate.open())),
  );
  if (outcome === undefined || 'error' in outcome) throw outcome?.error;
  return listOfPlan(outcome.value);
}
