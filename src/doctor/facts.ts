/** What doctor's rules look at. Each fact was found out, or the trouble in finding it out is the fact. */
import type { AlertState, Cluster, EncryptionAtRest, Observation } from '../atlas/index.ts';
import { AtlasError } from '../atlas/index.ts';
import type { Config, GateConfig } from '../config/index.ts';
import type { Finding } from '../finding.ts';
import type { GateLimits, GateState } from '../gates/gate.ts';
import type { KmsAlerts } from '../plan/input.ts';
import type { Plan } from '../plan/plan.ts';
import { TransportError } from '../transport/errors.ts';
import type { Growth } from './forecast.ts';

export interface Trouble {
  readonly message: string;
  readonly remedy: string | undefined;
  /** The HTTP status and code of Atlas's answer, where there was one. */
  readonly status: number | undefined;
  readonly code: string | undefined;
  /** It may pass by itself: the network, or the other side, not something that is set up wrongly. */
  readonly passing: boolean;
}

export type Known<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly trouble: Trouble };

export interface SetupFacts {
  readonly config: Known<Pick<Config, 'path' | 'findings'> & { readonly gates: number }>;
  /** Undefined where the config could not be read, so that nobody knows where it is. */
  readonly journal: Known<JournalFacts> | undefined;
}

export interface JournalFacts {
  readonly location: string;
  /** When the newest reading before this run was made; undefined when there is none. */
  readonly newestAtMs: number | undefined;
}

export interface AtlasFacts {
  readonly credentials: Known<'none' | 'service-account' | 'api-key'>;
  readonly controlPlane: Pick<Observation, 'complete' | 'faults' | 'findings'>;
  /** How many projects the credentials see; the reading tests them. Undefined without credentials. */
  readonly projects: Known<number> | undefined;
  /** Atlas's clock and ours at the same moment. */
  readonly clock: { readonly theirsMs: number; readonly oursMs: number } | undefined;
  /** Versions of the API that Atlas has announced the end of. */
  readonly sunsets: readonly { readonly path: string; readonly atMs: number }[];
  /** When the secret ends, where Atlas tells. */
  readonly secretEndsAtMs: number | undefined;
}

export interface ProjectFacts {
  readonly id: string;
  readonly name: string | undefined;
  /** The gates of the config that serve it. */
  readonly gates: readonly Pick<GateConfig, 'name' | 'kind'>[];
  readonly encryption: Known<EncryptionAtRest>;
  readonly alert: Known<AlertState>;
  readonly openAlerts: KmsAlerts;
  readonly clusters: Known<readonly Cluster[]>;
}

export interface GateFacts {
  readonly config: Pick<GateConfig, 'name' | 'kind' | 'policy'>;
  readonly reading: Known<{
    readonly limits: GateLimits;
    readonly state: GateState;
    readonly plan: Plan;
    readonly growth: Growth | undefined;
  }>;
  /** What the gate finds by itself; empty where it could not even be opened. */
  readonly diagnosed: Known<readonly Finding[]>;
}

/** Does something, and makes a fact of it either way. */
export async function find<T>(work: () => T | Promise<T>): Promise<Known<T>> {
  try {
    return { known: true, value: await work() };
  } catch (error) {
    return { known: false, trouble: troubleOf(error) };
  }
}

function troubleOf(error: unknown): Trouble {
  const { remedy } = (error ?? {}) as { remedy?: string };
  return {
    message: error instanceof Error ? error.message : String(error),
    remedy,
    status: error instanceof AtlasError ? error.status : undefined,
    code: error instanceof AtlasError ? error.code : undefined,
    passing: isPassing(error),
  };
}

/** What lies below a gate's own error tells: no answer at all, or one that says that it may be tried again. */
function isPassing(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof TransportError) return true;
    const status = (cause as { status?: unknown }).status ?? (cause as { statusCode?: unknown }).statusCode;
    if (typeof status === 'number') return status === 429 || status >= 500;
  }
  return (error as Error | undefined)?.name === 'AtlasAnswerError';
}
