/** Credentials for Atlas: flags, the environment, or the person; by reference only. */
import type { AtlasCredentials } from '../../atlas/index.ts';
import { atlasCredentialsOf, type Config, loadConfig, systemFiles } from '../../config/index.ts';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../failures.ts';
import { printFindings } from '../findings.ts';
import type { Asker } from './answers.ts';
import { configFileOf, type InitConfig } from './config-file.ts';

export interface CredentialFlags {
  readonly clientId?: string;
  readonly clientSecret?: string;
}

export interface SignedIn {
  readonly credentials: AtlasCredentials;
  readonly answers: Pick<InitConfig, 'baseUrl' | 'serviceAccount'>;
  /** As the file will say it; without gates yet. */
  readonly config: Config;
}

/** Throws a UsageError where nothing is given and nobody can be asked, and a ConfigError where the secret is not there. */
export async function signIn(
  context: CommandContext,
  options: CredentialFlags,
  prompt: Asker,
): Promise<SignedIn> {
  const { env, output } = context;
  const answers = {
    baseUrl: env.MONGODB_ATLAS_BASE_URL || undefined,
    serviceAccount: await serviceAccountOf(context, options, prompt),
  };
  const config = configOf(context, configFileOf({ ...answers, gates: [] }));
  const { credentials, findings } = atlasCredentialsOf(config.atlas, env, systemFiles);
  printFindings(output, findings);
  return { credentials, answers, config };
}

async function serviceAccountOf(
  { env }: CommandContext,
  { clientId, clientSecret }: CredentialFlags,
  prompt: Asker,
): Promise<InitConfig['serviceAccount']> {
  if (clientId !== undefined || clientSecret !== undefined) {
    if (clientId !== undefined && clientSecret !== undefined) return { clientId, clientSecret };
    throw new UsageError(
      '--client-id and --client-secret go together.',
      'Give both, or set MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET.',
    );
  }
  if (atlasCredentialsOf({ auth: undefined }, env, systemFiles).credentials.kind !== 'none') return undefined;
  if (!prompt) {
    throw new UsageError(
      'There are no credentials for Atlas.',
      'Set MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET, or give --client-id ID --client-secret env:NAME.',
    );
  }
  return {
    clientId: await prompt.line("The client id of Postern's Atlas service account", {
      check: text =>
        /^mdb_sa_id_\w+$/.test(text) ? undefined : 'Expected mdb_sa_id_…; the secret is not asked for.',
    }),
    clientSecret: await prompt.line('Where its secret is', {
      fallback: 'env:ATLAS_CLIENT_SECRET',
      check: text =>
        /^(env:[A-Za-z_]\w*|file:.+)$/.test(text)
          ? undefined
          : 'Expected env:NAME or file:PATH, not the secret itself.',
    }),
  };
}

/** Where the config is to be. */
export function pathOf({ globals }: Pick<CommandContext, 'globals'>): string {
  return globals.config ?? 'postern.yaml';
}

/** What our own reader will make of a text in that place, from which its paths are taken. Throws a ConfigError. */
export function configOf(context: Pick<CommandContext, 'env' | 'globals'>, text: string): Config {
  const { env } = context;
  return loadConfig({ path: pathOf(context), env, files: { readText: () => text } });
}
