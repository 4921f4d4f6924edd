/** The config as the rest of Postern sees it: parsed, with defaults, frozen. */
import type { Cidr } from '../address/cidr.ts';
import type { Finding, Severity } from '../finding.ts';
import type { Policy } from '../plan/plan.ts';
import type { RemovalPolicy } from '../plan/removal-policy.ts';
import type { SecretReference } from './secret-reference.ts';
import type { WatchConfig } from './watch.ts';

export type AtlasAuthConfig =
  | { readonly kind: 'service-account'; readonly clientId: string; readonly clientSecret: SecretReference }
  | { readonly kind: 'api-key'; readonly publicKey: string; readonly privateKey: SecretReference };

export interface AtlasConfig {
  readonly baseUrl: string;
  /** Undefined: none in the config; the environment may hold some. */
  readonly auth: AtlasAuthConfig | undefined;
  readonly includeGateways: boolean;
  readonly timeoutMs: number;
}

export interface StaticAddress {
  readonly cidr: Cidr;
  readonly note: string | undefined;
}

export const azureClouds = ['AzureCloud', 'AzureUSGovernment', 'AzureChinaCloud'] as const;
export type AzureCloud = (typeof azureClouds)[number];

export interface AzureCredentialConfig {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: SecretReference;
}

/** What every gate has, whatever its kind. */
interface GateCommon {
  readonly name: string;
  readonly projects: readonly string[];
  readonly policy: Policy;
  readonly pinned: readonly Cidr[];
  readonly adopt: boolean;
  readonly removal: RemovalPolicy;
}

export interface AzureKeyVaultConfig extends GateCommon {
  readonly kind: 'azure-key-vault';
  /** The vault's resource id. */
  readonly vault: string;
  readonly cloud: AzureCloud;
  readonly endpoint: string | undefined;
  readonly authorityHost: string | undefined;
  /** Undefined: what DefaultAzureCredential finds. */
  readonly credential: AzureCredentialConfig | undefined;
}

export interface AwsCredentialConfig {
  readonly accessKeyId: string;
  readonly secretAccessKey: SecretReference;
  readonly sessionToken: SecretReference | undefined;
}

/** What both kinds of AWS gates say. */
interface AwsCommon extends GateCommon {
  /** The key's ARN, not an alias: `arn:aws:kms:eu-central-1:111122223333:key/…`. Its region is where KMS is called. */
  readonly key: string;
  /** The ARN of the IAM role that Atlas assumes. */
  readonly role: string;
  /** Other servers than Amazon's, such as the lab. */
  readonly endpoints: { readonly kms: string | undefined; readonly iam: string | undefined };
  /** A profile of the shared config files; undefined: what the default chain finds. */
  readonly profile: string | undefined;
  /** Undefined: `profile`, or what the default chain finds. */
  readonly credential: AwsCredentialConfig | undefined;
}

export interface AwsRolePolicyConfig extends AwsCommon {
  readonly kind: 'aws-role-policy';
  /** The name of the inline policy that is ours. */
  readonly policyName: string;
}

export interface AwsKeyPolicyConfig extends AwsCommon {
  readonly kind: 'aws-key-policy';
  /** The Sid of the statement that is ours. */
  readonly sid: string;
}

export interface GcpAccessLevelConfig extends GateCommon {
  readonly kind: 'gcp-access-level';
  /** `accessPolicies/NUMBER/accessLevels/NAME`: a level that is Postern's alone. */
  readonly level: string;
  /** `accessPolicies/NUMBER/servicePerimeters/NAME`: the perimeter around the key's project; only read. */
  readonly perimeter: string | undefined;
  /** The project that API calls are counted to (`X-Goog-User-Project`): needed for a user's credentials. */
  readonly quotaProject: string | undefined;
  /** Another server than Google's, such as the lab. */
  readonly endpoint: string | undefined;
  /** A key file of a service account or of workload identity federation; undefined: Application Default Credentials. */
  readonly credentialFile: string | undefined;
}

export type GateConfig =
  | AwsRolePolicyConfig
  | AwsKeyPolicyConfig
  | AzureKeyVaultConfig
  | GcpAccessLevelConfig;

interface ChannelCommon {
  readonly name: string;
  /** The least severity that it is told. */
  readonly from: Severity;
}

export type ChannelConfig =
  | (ChannelCommon & {
      readonly kind: 'webhook';
      readonly url: SecretReference;
      /** For the signature; undefined: unsigned. */
      readonly secret: SecretReference | undefined;
    })
  | (ChannelCommon & { readonly kind: 'slack' | 'teams'; readonly url: SecretReference })
  | (ChannelCommon & {
      readonly kind: 'pagerduty';
      readonly routingKey: SecretReference;
      /** Undefined: PagerDuty's own; another one for its EU region. */
      readonly url: string | undefined;
    })
  | (ChannelCommon & {
      readonly kind: 'email';
      readonly host: string;
      readonly port: number;
      readonly tls: 'implicit' | 'starttls' | 'none';
      readonly user: string | undefined;
      readonly password: SecretReference | undefined;
      readonly sender: string;
      readonly to: readonly string[];
    });

export interface TokenConfig {
  readonly name: string;
  /** `sha256:` and the hash in hex; the token itself is nowhere. */
  readonly hash: string;
  readonly may: readonly ('read' | 'sync' | 'approve')[];
}

export interface ServerConfig {
  readonly host: string;
  readonly port: number;
  /** Names by which it may be called, beside this machine's own; lower case. */
  readonly hosts: readonly string[];
  readonly anonymousRead: boolean;
  readonly tokens: readonly TokenConfig[];
  /** Undefined: Atlas's webhook is not taken. */
  readonly atlasWebhookSecret: SecretReference | undefined;
}

export interface Config {
  /** The file it was read from; undefined when there is none. */
  readonly path: string | undefined;
  readonly statePath: string | undefined;
  /** Where the URL of the PostgreSQL database is that holds the journal instead of a file. */
  readonly database: SecretReference | undefined;
  readonly atlas: AtlasConfig;
  readonly static: readonly StaticAddress[];
  readonly gates: readonly GateConfig[];
  readonly watch: WatchConfig;
  /** Who is told what. */
  readonly notify: readonly ChannelConfig[];
  /** Undefined: nothing listens. */
  readonly server: ServerConfig | undefined;
  readonly findings: readonly Finding[];
}
