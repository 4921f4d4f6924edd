/** Where the demo plays: a lab of its own, a journal in a folder that goes away, and the real commands. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Clock } from '../../clock.ts';
import { type Config, formatDuration, loadConfig, systemFiles } from '../../config/index.ts';
import type { LabProject } from '../../lab/atlas/model.ts';
import { type ChannelMessage, labChannelSecret, startChannel } from '../../lab/channel.ts';
import { labVaultId } from '../../lab/default-world.ts';
import { type Lab, startLab, trustLab } from '../../lab/index.ts';
import type { RemovalPolicy } from '../../plan/removal-policy.ts';
import type { CommandAction, CommandContext } from '../context.ts';
import type { ExitCode } from '../exit-codes.ts';
import { type DemoCloud, type DemoSite, labEnvironment, openSite } from './sites.ts';

export interface Stage {
  readonly lab: Lab;
  readonly sites: readonly DemoSite[];
  /** The first site's. */
  readonly project: LabProject;
  readonly vaultId: string;
  readonly clock: Clock;
  /** What the team was told, in order. */
  readonly messages: readonly ChannelMessage[];
  /** Runs a command as if it had been typed, and gives its exit code. */
  run<Options>(
    action: CommandAction<Options>,
    args: readonly string[],
    options: Options,
    over?: Partial<Pick<CommandContext, 'clock' | 'signal'>>,
  ): Promise<ExitCode>;
  close(): Promise<void>;
}

export interface StageOptions {
  readonly clouds?: readonly DemoCloud[];
  readonly removal?: Partial<RemovalPolicy>;
}

/** In force at once: in a cloud it takes minutes, which a story has no time for. */
const atOnce = { propagationMs: 0 };

export async function openStage(
  context: CommandContext,
  clock: Clock,
  { clouds = ['azure'], removal = {} }: StageOptions = {},
): Promise<Stage> {
  const lab = await startLab({ clock, azure: atOnce, aws: atOnce, gcp: { ...atOnce, operationMs: 0 } });
  trustLab(lab);
  const folder = mkdtempSync(join(tmpdir(), 'postern-demo-'));
  const sites = clouds.map(cloud => openSite(cloud, lab, folder));
  const messages: ChannelMessage[] = [];
  const channel = await startChannel(clock, message => messages.push(message));
  const env = { ...context.env, ...labEnvironment(lab), ...channelEnvironment(channel) };
  const config = writeConfig(lab, sites, folder, { policy: 'sync', ...removalText(removal) });
  const staged: CommandContext = {
    ...context,
    clock,
    env,
    loadConfig: () => config,
    statePathOf: () => join(folder, 'journal.db'),
    databaseOf: () => undefined,
  };
  return {
    lab,
    sites,
    project: sites[0]!.project,
    vaultId: labVaultId,
    clock,
    messages,
    run: (action, args, options, over = {}) => action({ ...staged, ...over }, args, options),
    close: async () => {
      await Promise.all([lab.close(), channel.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What the config's channel names. */
export function channelEnvironment({ url }: { readonly url: string }): Readonly<Record<string, string>> {
  return { LAB_CHANNEL_URL: url, LAB_CHANNEL_SECRET: labChannelSecret };
}

/** Writes the `postern.yaml` of a lab into a folder, and reads it as any other. */
export function writeConfig(
  lab: Lab,
  sites: readonly DemoSite[],
  folder: string,
  gate: Readonly<Record<string, unknown>>,
): Config {
  const path = join(folder, 'postern.yaml');
  const { clientId } = lab.credentials.atlas.serviceAccount;
  const text = stringify({
    state: 'journal.db',
    atlas: {
      baseUrl: lab.urls.atlas,
      auth: { serviceAccount: { clientId, clientSecret: 'env:LAB_ATLAS_SECRET' } },
    },
    gates: sites.map(site => ({ ...site.gate, ...gate })),
    notify: [
      {
        name: 'team',
        kind: 'webhook',
        url: 'env:LAB_CHANNEL_URL',
        secret: 'env:LAB_CHANNEL_SECRET',
        from: 'info',
      },
    ],
  });
  writeFileSync(path, `# The lab's world. Its secrets open nothing else.\n${text}`);
  return loadConfig({ path, env: {}, files: systemFiles });
}

function removalText(removal: Partial<RemovalPolicy>): { readonly removal?: object } {
  const { graceMs, minReadGapMs, soakMs, ...rest } = removal;
  const durations = { grace: graceMs, minReadGap: minReadGapMs, soak: soakMs };
  const given = Object.entries(durations).flatMap(([key, ms]) =>
    ms === undefined ? [] : [[key, formatDuration(ms)]],
  );
  const text = { ...Object.fromEntries(given), ...rest };
  return Object.keys(text).length > 0 ? { removal: text } : {};
}
