/**
 * The one way out of the process. Every request that Postern makes, to Atlas or to a cloud, through our own
 * client or through a vendor's SDK, is sent by a `Transport`, so that the read-only gate (invariant 7), the
 * time limits, the size limit and the retries stand in one place.
 */

/** `read-only`: no request that could write leaves the process (read-only.ts). */
export type TransportMode = 'read-only' | 'read-write';

export interface TransportRequest {
  readonly method: string;
  readonly url: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** How often a fault may be retried; 0 where the caller retries. Default: the transport's own. */
  readonly maxRetries?: number;
  /** Asked just before each try, where the request can write: why it may not be sent now. */
  readonly refusal?: () => string | undefined;
}

export interface TransportResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** The whole body; never more than the transport's limit. */
  readonly body: Uint8Array;
}

/** What a run cost, for `--json`, the logs and the benchmarks. */
export interface TransportUsage {
  readonly requests: number;
  readonly retries: number;
  readonly bytesReceived: number;
}

export interface Transport {
  /** The transport that this one was put around, for one gate: what gates share is kept by it. */
  readonly base?: Transport;
  /** Throws a `TransportError` when no whole answer was had; an HTTP error status is an answer. */
  send(request: TransportRequest): Promise<TransportResponse>;
  usage(): TransportUsage;
}
