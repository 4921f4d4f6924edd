/** The config as the rest of Postern sees it: parsed, with defaults, frozen. */
import type { Cidr } from '../address/cidr.ts';
import type { Finding } from '../finding.ts';
import type { Policy } from '../plan/plan.ts';
import type { RemovalPolicy } from '../plan/removal-policy.ts';
import type { SecretReference } from './secret-reference.ts';

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

export interface GateConfig {
  readonly kind: 'azure-key-vault';
  readonly name: string;
  /** The vault's resource id. */
  readonly vault: string;
  readonly cloud: AzureCloud;
  readonly endpoint: string | undefined;
  readonly authorityHost: string | undefined;
  /** Undefined: what DefaultAzureCredential finds. */
  readonly credential: AzureCredentialConfig | undefined;
  readonly projects: readonly string[];
  readonly policy: Policy;
  readonly pinned: readonly Cidr[];
  readonly adopt: boolean;
  readonly removal: RemovalPolicy;
}

export interface Config {
  /** The file it was read from; undefined when there is none. */
  readonly path: string | undefined;
  readonly statePath: string | undefined;
  readonly atlas: AtlasConfig;
  readonly static: readonly StaticAddress[];
  readonly gates: readonly GateConfig[];
  readonly findings: readonly Finding[];
}
