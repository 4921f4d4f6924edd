/** Makes the config of its checked text: defaults, canonical addresses, resolved paths. */
import { dirname, isAbsolute, resolve } from 'node:path';
import { type Cidr, parseCidr } from '../address/cidr.ts';
import { atlasBaseUrls } from '../atlas/client.ts';
import { defaultRemovalPolicy, type RemovalPolicy } from '../plan/removal-policy.ts';
import type { AtlasAuthConfig, AtlasConfig, Config, GateConfig } from './config.ts';
import { parseDuration } from './duration.ts';
import { toFreezeWindow } from './freeze.ts';
import { toChannel } from './notify-schema.ts';
import { type ConfigText, defaultPolicyName, defaultSid, type GateText } from './schema.ts';
import { parseSecretReference, type SecretReference } from './secret-reference.ts';
import { toServer } from './server-schema.ts';
import { defaultWatchConfig, type WatchConfig } from './watch.ts';

/** What the command line says instead of the file. */
export interface ConfigOverrides {
  readonly statePath?: string;
}

const defaultTimeoutMs = 30_000;

export function toConfig(
  text: ConfigText,
  path: string | undefined,
  overrides: ConfigOverrides,
  env: NodeJS.ProcessEnv,
): Config {
  const folder = path === undefined ? '.' : dirname(path);
  const fromFolder = (file: string) => (isAbsolute(file) ? file : resolve(folder, file));
  const fileState = text.state === undefined ? undefined : fromFolder(text.state);
  return deepFreeze<Config>({
    path,
    statePath: overrides.statePath ?? (env.POSTERN_STATE || fileState),
    database: text.database === undefined ? undefined : reference(text.database, folder),
    atlas: toAtlas(text.atlas ?? {}, folder, env),
    static: (text.static ?? []).map(({ cidr, note }) => ({ cidr: block(cidr), note })),
    gates: (text.gates ?? []).map(gate => toGate(gate, folder)),
    watch: toWatch(text.watch ?? {}, folder),
    server: text.server && toServer(text.server, given => reference(given, folder)),
    notify: (text.notify ?? []).map(each => toChannel(each, given => reference(given, folder))),
    findings: [],
  });
}

function toAtlas(
  atlas: NonNullable<ConfigText['atlas']>,
  folder: string,
  env: NodeJS.ProcessEnv,
): AtlasConfig {
  const baseUrl = atlas.baseUrl ?? (env.MONGODB_ATLAS_BASE_URL || 'commercial');
  return {
    baseUrl: baseUrl in atlasBaseUrls ? atlasBaseUrls[baseUrl as keyof typeof atlasBaseUrls] : baseUrl,
    auth: toAuth(atlas.auth, folder),
    includeGateways: atlas.includeGateways ?? false,
    timeoutMs: atlas.timeoutSeconds === undefined ? defaultTimeoutMs : atlas.timeoutSeconds * 1000,
  };
}

function toAuth(auth: NonNullable<ConfigText['atlas']>['auth'], folder: string): AtlasAuthConfig | undefined {
  if (auth?.serviceAccount) {
    const { clientId, clientSecret } = auth.serviceAccount;
    return { kind: 'service-account', clientId, clientSecret: reference(clientSecret, folder) };
  }
  if (auth?.apiKey) {
    const { publicKey, privateKey } = auth.apiKey;
    return { kind: 'api-key', publicKey, privateKey: reference(privateKey, folder) };
  }
  return undefined;
}

/** One gate of its checked text. */
export function toGate(gate: GateText, folder: string): GateConfig {
  const common = {
    name: gate.name,
    projects: gate.projects,
    policy: gate.policy ?? 'observe',
    pinned: (gate.pinned ?? []).map(block),
    adopt: gate.adopt ?? false,
    removal: toRemoval(gate.removal ?? {}),
  };
  switch (gate.kind) {
    case 'aws-role-policy':
      return {
        ...common,
        ...toAws(gate, folder),
        kind: gate.kind,
        policyName: gate.policyName ?? defaultPolicyName,
      };
    case 'aws-key-policy':
      return { ...common, ...toAws(gate, folder), kind: gate.kind, sid: gate.sid ?? defaultSid };
    case 'azure-key-vault':
      return {
        ...common,
        kind: gate.kind,
        vault: gate.vault,
        cloud: gate.cloud ?? 'AzureCloud',
        endpoint: gate.endpoint,
        authorityHost: gate.authorityHost,
        credential: gate.credential && {
          ...gate.credential,
          clientSecret: reference(gate.credential.clientSecret, folder),
        },
      };
    case 'gcp-access-level': {
      const { credentialFile } = gate;
      return {
        ...common,
        kind: gate.kind,
        level: gate.level,
        perimeter: gate.perimeter,
        quotaProject: gate.quotaProject,
        endpoint: gate.endpoint,
        credentialFile: credentialFile === undefined ? undefined : resolve(folder, credentialFile),
      };
    }
  }
}

function toAws(gate: Extract<GateText, { key: string }>, folder: string) {
  const { credential } = gate;
  return {
    key: gate.key,
    role: gate.role,
    endpoints: { kms: gate.endpoints?.kms, iam: gate.endpoints?.iam },
    profile: gate.profile,
    credential: credential && {
      accessKeyId: credential.accessKeyId,
      secretAccessKey: reference(credential.secretAccessKey, folder),
      sessionToken:
        credential.sessionToken === undefined ? undefined : reference(credential.sessionToken, folder),
    },
  };
}

function toRemoval(removal: NonNullable<GateText['removal']>): RemovalPolicy {
  const fallback = defaultRemovalPolicy;
  return {
    graceMs: durationMs(removal.grace) ?? fallback.graceMs,
    minReads: removal.minReads ?? fallback.minReads,
    minReadGapMs: durationMs(removal.minReadGap) ?? fallback.minReadGapMs,
    maxCount: removal.maxCount ?? fallback.maxCount,
    // A count that the operator names for this run stands for the share as well.
    maxShare: removal.maxShare ?? fallback.maxShare,
    shrinkShare: removal.shrinkShare ?? fallback.shrinkShare,
    shrinkWindowMs: fallback.shrinkWindowMs,
    approval: removal.approval ?? fallback.approval,
    freeze: (removal.freeze ?? []).map(toFreezeWindow),
    soakMs: durationMs(removal.soak) ?? fallback.soakMs,
  };
}

function toWatch(watch: NonNullable<ConfigText['watch']>, folder: string): WatchConfig {
  const fallback = defaultWatchConfig;
  return {
    controlPlaneMs: durationMs(watch.controlPlane) ?? fallback.controlPlaneMs,
    nodesMs: durationMs(watch.nodes) ?? fallback.nodesMs,
    gatesMs: durationMs(watch.gates) ?? fallback.gatesMs,
    eventsMs: durationMs(watch.events) ?? fallback.eventsMs,
    minGapMs: durationMs(watch.minGap) ?? fallback.minGapMs,
    concurrency: watch.concurrency ?? fallback.concurrency,
    ping: watch.ping === undefined ? undefined : reference(watch.ping, folder),
  };
}

function block(cidr: string): Cidr {
  return parseCidr(cidr, { bare: 'host' });
}

function durationMs(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text);
}

function reference(text: string, folder: string): SecretReference {
  const parsed = parseSecretReference(text, folder);
  // The schema let it through, so the two disagree; the text may be a secret and is not shown.
  if (!parsed) throw new TypeError('A secret reference passed the schema and cannot be read.');
  return parsed;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const each of Object.values(value)) deepFreeze(each);
  }
  return value;
}
