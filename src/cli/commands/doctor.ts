/** `postern doctor`: everything that would make the list useless. Sends nothing that could write. */
import type { AtlasCredentials } from '../../atlas/index.ts';
import { atlasCredentialsOf, type Config, systemFiles } from '../../config/index.ts';
import { diagnose, type Facts } from '../../doctor/diagnose.ts';
import { find, type Known } from '../../doctor/facts.ts';
import { gatherAtlas, gatherGates, gatherJournal } from '../../doctor/gather.ts';
import { type Listener, listenTo } from '../../doctor/listen.ts';
import { type Conclusion, concludes } from '../../doctor/report.ts';
import type { CommandAction, CommandContext } from '../context.ts';
import { doctorJson, printSections } from '../doctor/render.ts';
import { exitCodes } from '../exit-codes.ts';
import { checkGateNamesExist, limitsByCloud, withSessionOf } from '../work.ts';

const exitCodeOf = {
  well: exitCodes.ok,
  errors: exitCodes.pending,
  'cannot-tell': exitCodes.unsure,
} as const satisfies Record<Conclusion, number>;

export const run: CommandAction<{ readonly gate?: readonly string[] }> = async (context, _, { gate }) => {
  const { output } = context;
  const config = await find(() => context.loadConfig());
  if (config.known) checkGateNamesExist(config.value, gate);
  const facts = config.known ? await gather(context, config.value, gate) : withoutConfig(config);
  const sections = diagnose(facts, context.clock.now());
  const conclusion = concludes(sections);
  if (output.isJson) output.json(doctorJson(sections, conclusion));
  else printSections(output, sections, conclusion);
  return exitCodeOf[conclusion];
};

function withoutConfig(config: Extract<Known<Config>, { known: false }>): Facts {
  return { setup: { config, journal: undefined }, atlas: undefined, projects: [], gates: [] };
}

async function gather(
  context: CommandContext,
  config: Config,
  gateNames: readonly string[] | undefined,
): Promise<Facts> {
  const resolved = await find(() => atlasCredentialsOf(config.atlas, context.env, systemFiles));
  const credentials: AtlasCredentials = resolved.known ? resolved.value.credentials : { kind: 'none' };
  let listener: Listener | undefined;
  const options = {
    mode: 'read-only',
    command: 'postern doctor',
    gateNames,
    config,
    credentials,
    hear: transport => {
      listener = listenTo(transport, config.atlas.baseUrl, context.clock.now);
      return listener.transport;
    },
  } as const satisfies Parameters<typeof withSessionOf>[1];
  return await withSessionOf(context, options, async ({ session }) => {
    const limitOf = limitsByCloud();
    const gatherer = {
      config,
      session,
      credentials: resolved.known ? ({ known: true, value: credentials.kind } as const) : resolved,
      clientId: credentials.kind === 'service-account' ? credentials.clientId : undefined,
      forGate: <T>(gate: (typeof session.gates)[number], work: () => Promise<T>) => limitOf(gate)(work),
    };
    const journal = await gatherJournal(session);
    const [{ atlas, projects }, gates] = await Promise.all([gatherAtlas(gatherer), gatherGates(gatherer)]);
    const findings = [...config.findings, ...(resolved.known ? resolved.value.findings : [])];
    return {
      setup: {
        config: { known: true, value: { path: config.path, findings, gates: config.gates.length } },
        journal,
      },
      atlas: { ...atlas, ...listener!.heard() },
      projects,
      gates,
    };
  });
}
