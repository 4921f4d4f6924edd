/** The daemon's ways out of the process: a transport for each mode, Atlas's client over one, and what they used. */
import { type AtlasClient, type AtlasCredentials, createAtlasClient } from '../atlas/index.ts';
import type { Config } from '../config/config.ts';
import type { Transport, TransportMode, TransportUsage } from '../transport/transport.ts';
import { messageOf } from './emitter.ts';
import type { RateLimitBook } from './rate-limits.ts';
import type { WatchOptions } from './watch.ts';

export interface ConnectionsOptions extends Pick<WatchOptions, 'clock' | 'transport' | 'credentials'> {
  config(): Config;
  readonly limits: RateLimitBook;
  /** Hexadecimal, of as many bytes. */
  newId(bytes: number): string;
  /** Is told once of each fault of the credentials. */
  fault(where: string, error: unknown): void;
}

export class Connections {
  readonly #options: ConnectionsOptions;
  #atlas: AtlasClient | undefined;
  #transports = new Map<TransportMode, Transport>();
  /** What transports of earlier configs have used. */
  #usedBefore: TransportUsage = { requests: 0, retries: 0, bytesReceived: 0 };
  #credentialFault: string | undefined;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** Made anew for each use until its credentials can be had. */
  atlas(): AtlasClient {
    if (this.#atlas) return this.#atlas;
    const { clock, config, limits, newId } = this.#options;
    const credentials = this.#credentials();
    const client = createAtlasClient({
      transport: this.transport('read-only'),
      clock,
      baseUrl: config().atlas.baseUrl,
      credentials,
      nonce: () => newId(16),
      onRateLimit: left => limits.note(left, clock.now()),
    });
    if (this.#credentialFault === undefined) this.#atlas = client;
    return client;
  }

  /** The secret may have been rotated: the next use of Atlas's client asks for it again. */
  forgetAtlas(): void {
    this.#atlas = undefined;
  }

  transport(mode: TransportMode): Transport {
    const known = this.#transports.get(mode);
    if (known) return known;
    const { transport: open, config } = this.#options;
    const transport = open(mode, config());
    this.#transports.set(mode, transport);
    return transport;
  }

  /** For another config: secrets may have changed where the text did not. */
  renew(): void {
    this.#usedBefore = this.usage();
    this.#transports = new Map();
    this.forgetAtlas();
  }

  usage(): TransportUsage {
    return [...this.#transports.values()].reduce((sum, transport) => {
      const usage = transport.usage();
      return {
        requests: sum.requests + usage.requests,
        retries: sum.retries + usage.retries,
        bytesReceived: sum.bytesReceived + usage.bytesReceived,
      };
    }, this.#usedBefore);
  }

  /** None when the secret is not where the config says: the control plane can be read without. */
  #credentials(): AtlasCredentials {
    const { credentials, config, fault } = this.#options;
    try {
      const found = credentials(config());
      this.#credentialFault = undefined;
      return found;
    } catch (error) {
      const message = messageOf(error);
      if (message !== this.#credentialFault) fault("Atlas's credentials", error);
      this.#credentialFault = message;
      return { kind: 'none' };
    }
  }
}
