/** Where the demo plays: a lab of its own, a journal in a folder that goes away, and the real commands. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { type Config, defaultWatchConfig } from '../../config/index.ts';
import type { LabProject } from '../../lab/atlas/model.ts';
import { defaultWorld, labVaultId } from '../../lab/default-world.ts';
import { type Lab, startLab, trustLab } from '../../lab/index.ts';
import type { RemovalPolicy } from '../../plan/removal-policy.ts';
import { defaultRemovalPolicy } from '../../plan/removal-policy.ts';
import type { CommandAction, CommandContext } from '../context.ts';
import type { ExitCode } from '../exit-codes.ts';

export interface Stage {
  readonly lab: Lab;
  readonly project: LabProject;
  readonly vaultId: string;
  readonly clock: Clock;
  /** Runs a command as if it had been typed, and gives its exit code. */
  run<Options>(action: CommandAction<Options>, args: readonly string[], options: Options): Promise<ExitCode>;
  close(): Promise<void>;
}

export async function openStage(
  context: CommandContext,
  clock: Clock,
  removal: Partial<RemovalPolicy> = {},
): Promise<Stage> {
  // In force at once: in a vault it takes minutes, which a story has no time for.
  const lab = await startLab({ clock, azure: { propagationMs: 0 } });
  trustLab(lab);
  const project = defaultWorld(lab);
  const folder = mkdtempSync(join(tmpdir(), 'postern-demo-'));
  const config = configOf(lab, project, { ...defaultRemovalPolicy, ...removal });
  const staged: CommandContext = {
    ...context,
    clock,
    env: {
      ...context.env,
      LAB_ATLAS_SECRET: lab.credentials.atlas.serviceAccount.clientSecret,
      LAB_AZURE_SECRET: lab.credentials.azure.clientSecret,
    },
    loadConfig: () => config,
    statePathOf: () => join(folder, 'journal.db'),
    databaseOf: () => undefined,
  };
  return {
    lab,
    project,
    vaultId: labVaultId,
    clock,
    run: (action, args, options) => action(staged, args, options),
    close: async () => {
      await lab.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configOf(lab: Lab, project: LabProject, removal: RemovalPolicy): Config {
  const secret = (name: string) => ({ kind: 'env', name, text: `env:${name}` }) as const;
  const { atlas, azure } = lab.credentials;
  return {
    path: 'postern.yaml',
    statePath: undefined,
    database: undefined,
    atlas: {
      baseUrl: lab.urls.atlas,
      auth: {
        kind: 'service-account',
        clientId: atlas.serviceAccount.clientId,
        clientSecret: secret('LAB_ATLAS_SECRET'),
      },
      includeGateways: false,
      timeoutMs: 30_000,
    },
    static: [],
    gates: [
      {
        kind: 'azure-key-vault',
        name: 'payments',
        vault: labVaultId,
        cloud: 'AzureCloud',
        endpoint: lab.urls.azureResourceManager,
        authorityHost: lab.urls.azureAuthority,
        credential: {
          tenantId: azure.tenantId,
          clientId: azure.clientId,
          clientSecret: secret('LAB_AZURE_SECRET'),
        },
        projects: [project.id],
        policy: 'sync',
        pinned: [],
        adopt: false,
        removal,
      },
    ],
    watch: defaultWatchConfig,
    notify: [],
    server: undefined,
    findings: [],
  };
}
