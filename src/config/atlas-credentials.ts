import type { AtlasCredentials } from '../atlas/auth/auth.ts';
import type { Finding } from '../finding.ts';
import type { AtlasConfig } from './config.ts';
import { type FileReader, resolveSecret, type SecretReference } from './secret-reference.ts';

/** The names that MongoDB's own tools use; the first complete pair counts. */
const serviceAccountVariables = ['MONGODB_ATLAS_CLIENT_ID', 'MONGODB_ATLAS_CLIENT_SECRET'] as const;
const apiKeyVariables = [
  ['MONGODB_ATLAS_PUBLIC_API_KEY', 'MONGODB_ATLAS_PRIVATE_API_KEY'],
  ['MONGODB_ATLAS_PUBLIC_KEY', 'MONGODB_ATLAS_PRIVATE_KEY'],
] as const;

/**
 * The credentials for Atlas: the config's, or else the environment's, or none. Secrets are read here and not
 * before, so that a command which needs none does not fail for the lack of one.
 *
 * @throws ConfigError when the config names a secret that is not there
 */
export function atlasCredentialsOf(
  { auth }: Pick<AtlasConfig, 'auth'>,
  env: NodeJS.ProcessEnv,
  files: FileReader,
): { readonly credentials: AtlasCredentials; readonly findings: readonly Finding[] } {
  const resolve = (reference: SecretReference) => resolveSecret(reference, env, files);
  if (auth?.kind === 'service-account') {
    const { secret, findings } = resolve(auth.clientSecret);
    const { kind, clientId } = auth;
    return { credentials: { kind, clientId, clientSecret: secret }, findings };
  }
  if (auth?.kind === 'api-key') {
    const { secret, findings } = resolve(auth.privateKey);
    const { kind, publicKey } = auth;
    return { credentials: { kind, publicKey, privateKey: secret }, findings };
  }
  const variable = (name: string) => resolve({ kind: 'env', name, text: `env:${name}` }).secret;
  const [id, secret] = serviceAccountVariables;
  if (env[id] && env[secret]) {
    const credentials = {
      kind: 'service-account',
      clientId: env[id],
      clientSecret: variable(secret),
    } as const;
    return { credentials, findings: [] };
  }
  for (const [publicName, privateName] of apiKeyVariables) {
    const publicKey = env[publicName];
    if (publicKey && env[privateName]) {
      const credentials = { kind: 'api-key', publicKey, privateKey: variable(privateName) } as const;
      return { credentials, findings: [] };
    }
  }
  return { credentials: { kind: 'none' }, findings: [] };
}
