/**
 * Google's access tokens, by Google's own library, sent through our transport: so the read-only gate holds for
 * them too. One kind of request does not pass it: that of the metadata server of Google's own machines, which the
 * library reads by itself, with GET, and only where no credential file is found.
 */
import { readFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import type { AuthClient, gaxios } from 'google-auth-library';
import { rememberSecret, rememberToken } from '../../secret.ts';
import type { Transport } from '../../transport/transport.ts';
import { fetchOver } from './fetch-over.ts';

export interface TokenSource {
  /** The headers that authorize a request. Throws a `GoogleTokenError`. */
  headers(): Promise<Readonly<Record<string, string>>>;
}

export interface TokenSourceOptions {
  readonly transport: Transport;
  /** The path of a credential file; undefined: Application Default Credentials. */
  readonly credentialFile: string | undefined;
  /** Undefined: what the credentials say, if anything. */
  readonly quotaProject: string | undefined;
  /** Whether the API is asked elsewhere than at Google: then a key file may name a token server of this machine. */
  readonly isElsewhere: boolean;
}

/** There is no token to be had: why, in a sentence, and what to do. */
export class GoogleTokenError extends Error {
  override readonly name = 'GoogleTokenError';
}

const scopes = ['https://www.googleapis.com/auth/cloud-platform'];
const maxFileBytes = 256 * 1024;
/** Of a client: the account that it stands for, and what that one exchanges tokens with. */
const maxDepth = 3;

/** Loads the library, and the credentials, when the first token is asked for. */
export function createTokenSource(options: TokenSourceOptions): TokenSource {
  let loading: Promise<AuthClient> | undefined;
  return {
    async headers() {
      try {
        loading ??= loadClient(options);
        const headers = await (await loading).getRequestHeaders();
        const authorization = headers.get('authorization');
        if (!authorization) throw new GoogleTokenError('the credentials give no access token.');
        rememberToken(authorization.replace(/^Bearer /, ''));
        const quotaProject = options.quotaProject ?? headers.get('x-goog-user-project');
        return { authorization, ...(quotaProject && { 'x-goog-user-project': quotaProject }) };
      } catch (error) {
        // A file that is put right is read again.
        loading = undefined;
        throw error instanceof GoogleTokenError
          ? error
          : new GoogleTokenError(sayWhy(error), { cause: error });
      }
    },
  };
}

async function loadClient({
  transport,
  credentialFile,
  isElsewhere,
}: TokenSourceOptions): Promise<AuthClient> {
  const library = await import('google-auth-library');
  const file = credentialFile === undefined ? undefined : await readCredentials(credentialFile);
  const tokenUrl = isElsewhere && isOnThisMachine(file?.token_uri) ? file?.token_uri : undefined;
  const transporter = new library.gaxios.Gaxios({
    fetchImplementation: fetchOver(transport, tokenUrl),
    // The transport retries, and knows the proxy; an agent keeps the library from looking for one.
    retryConfig: { retry: 0 },
    agent: new Agent(),
  });
  const client = file
    ? clientOf(library, file, transporter)
    : // A project is given, so that the library does not ask gcloud and the metadata server for one.
      await new library.GoogleAuth({ scopes, projectId: '-', clientOptions: { transporter } }).getClient();
  if ((client as { credentialSourceType?: unknown }).credentialSourceType === 'certificate') {
    throw new GoogleTokenError(
      'the credentials are a certificate (X.509 workload identity federation), for which the library opens connections of its own past the read-only gate; Postern does not use them.',
    );
  }
  routeAll(client, transporter);
  return client;
}

type Library = typeof import('google-auth-library');
type CredentialFile = { readonly type: string; readonly token_uri?: string } & Readonly<
  Record<string, unknown>
>;

/** Each kind by its own constructor, as Google asks, so that a file is taken only for what it says it is. */
function clientOf(library: Library, file: CredentialFile, transporter: gaxios.Gaxios): AuthClient {
  switch (file.type) {
    case 'service_account': {
      const client = new library.JWT({ scopes, transporter });
      client.fromJSON(file);
      return client;
    }
    case 'authorized_user': {
      const client = new library.UserRefreshClient({ transporter });
      client.fromJSON(file);
      return client;
    }
    case 'external_account':
      return externalClient(library, { ...file, scopes, transporter });
    default:
      throw new GoogleTokenError(
        `the credential file is of type ${JSON.stringify(file.type.slice(0, 60))}; service_account, external_account or authorized_user was expected.`,
      );
  }
}

/** The identity of another cloud or of a cluster, which Google trusts: the kinds that the library knows. */
function externalClient(library: Library, options: Readonly<Record<string, unknown>>): AuthClient {
  const source = options.credential_source as Readonly<Record<string, unknown>> | null | undefined;
  if (source?.environment_id) return new library.AwsClient(options as never);
  if (source?.executable) return new library.PluggableAuthClient(options as never);
  return new library.IdentityPoolClient(options as never);
}

/**
 * The library makes helpers of its own within a client, such as the one that exchanges tokens, and gives them
 * transporters of their own: each is found by its name and given ours.
 */
function routeAll(thing: object, transporter: gaxios.Gaxios, depth = 0): void {
  if ('transporter' in thing) thing.transporter = transporter;
  if (depth === maxDepth) return;
  for (const [name, part] of Object.entries(thing)) {
    if (name !== 'transporter' && typeof part === 'object' && part !== null) {
      routeAll(part, transporter, depth + 1);
    }
  }
}

/** Nothing of the file is ever quoted. */
async function readCredentials(path: string): Promise<CredentialFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new GoogleTokenError(
      `the credential file ${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}).`,
    );
  }
  const file = text.length > maxFileBytes ? undefined : parseObject(text);
  if (file === undefined || typeof file.type !== 'string') {
    throw new GoogleTokenError(
      `the credential file ${path} is not a credential file of Google (JSON with a "type").`,
    );
  }
  for (const name of ['private_key', 'client_secret', 'refresh_token']) {
    const secret = file[name];
    if (typeof secret === 'string') rememberSecret(secret);
  }
  return file as CredentialFile;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isOnThisMachine(url: unknown): boolean {
  const host = typeof url === 'string' ? URL.parse(url)?.hostname : undefined;
  return host !== undefined && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host);
}

/** What the token server said; other words of the library are passed on only where they cannot quote a file. */
function sayWhy(error: unknown): string {
  const data: unknown = (error as { response?: { data?: unknown } }).response?.data;
  if (typeof data === 'object' && data !== null && 'error' in data) {
    const { error: code, error_description: description } = data as Record<string, unknown>;
    return [code, description].filter(part => typeof part === 'string').join(': ');
  }
  if (error instanceof SyntaxError) return 'the credential file is not JSON.';
  const message = error instanceof Error ? error.message : String(error);
  if (/DECODER|PEM|asn1|unsupported|secretOrPrivateKey/i.test(message)) {
    return 'the private key in the credential file cannot be read.';
  }
  return message.split(/\r?\n/, 1)[0]!;
}
