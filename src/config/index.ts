export { atlasCredentialsOf } from './atlas-credentials.ts';
export type {
  AtlasAuthConfig,
  AtlasConfig,
  AwsCredentialConfig,
  AwsKeyPolicyConfig,
  AwsRolePolicyConfig,
  AzureCloud,
  AzureCredentialConfig,
  AzureKeyVaultConfig,
  ChannelConfig,
  Config,
  GateConfig,
  GcpAccessLevelConfig,
  ServerConfig,
  StaticAddress,
  TokenConfig,
} from './config.ts';
export { formatDuration, parseDuration } from './duration.ts';
export { ConfigError, type ConfigIssue } from './errors.ts';
export { systemFiles } from './files.ts';
export { type LoadOptions, loadConfig } from './load.ts';
export { type FileReader, resolveSecret, type SecretReference } from './secret-reference.ts';
export { type ConfigOverrides, toGate } from './to-config.ts';
export { defaultWatchConfig, type WatchConfig } from './watch.ts';
