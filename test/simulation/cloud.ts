/**
 * What the simulation needs of one gate's cloud, whatever its kind: the truth of the model, a hand for other
 * people's edits, and Postern's own gate over the simulated network. A new kind of gate is one more file that
 * makes one of these.
 */
import type { Cidr } from '../../src/address/cidr.ts';
import type { Clock } from '../../src/clock.ts';
import type { GateConfig } from '../../src/config/config.ts';
import type { Gate, GateKind } from '../../src/gates/gate.ts';
import type { LabKey } from '../../src/lab/atlas/model.ts';
import type { Transport } from '../../src/transport/index.ts';
import type { Service } from './network.ts';
import type { Random } from './random.ts';

/** One write that took effect. */
export interface CloudWrite {
  readonly before: readonly Cidr[];
  readonly after: readonly Cidr[];
  /** Everything beside the list that a write could change, in a form in which equal things are equal. */
  readonly settingsBefore: string;
  readonly settingsAfter: string;
  /** The list was taken out of force: it decides nothing any more, as before it was first written. */
  readonly isWithdrawn?: boolean;
  /** Who sent it, where it takes effect some time after it was sent; else whoever sent the last request. */
  readonly sender?: Sender;
  /** How many times the list had been read by then; likewise. */
  readonly looksWhenSent?: number;
}

/** For whom a request is sent. */
export interface Sender {
  /** A run of Postern's, or all that one process of it does. */
  readonly run: number;
  /** Whether an operator allows it more than the caps. */
  readonly operatorAllows: boolean;
}

export interface GateParts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
}

/** Where the world's clouds get the time, and who sends at present. */
export interface CloudParts {
  readonly clock: Clock;
  /** Runs something after a while. */
  after(ms: number, run: () => void): void;
  sender(): Sender;
}

export type GateCommon = Pick<GateConfig, 'name' | 'projects' | 'policy' | 'pinned' | 'adopt' | 'removal'>;

export interface SimulatedCloud {
  readonly kind: GateKind;
  readonly services: readonly Service[];
  /** What its requests look like, as `METHOD path`. */
  readonly requests: { readonly reads: RegExp; readonly writes: RegExp };
  readonly key: LabKey;
  readonly propagationMs: number;
  /** For how long after a change a read may show what was there before it. */
  readonly readLagMs: number;
  /** What the model holds now, in force or not yet. */
  entries(): readonly Cidr[];
  settings(): string;
  /** Whether a call from the address is answered, by what is in force now. */
  letsIn(address: string): boolean;
  /** Someone else changes the list. */
  edit(by: string, change: (entries: readonly string[]) => readonly string[]): void;
  /** Someone else changes what is not the list. */
  changeSettings(by: string, random: Random): void;
  /** Refuses every write, as a lock or a policy of the organization does; undefined ends it. */
  refuseWrites(random: Random | undefined): void;
  /** The next reads show the version before the newest. */
  staleReads(count: number): void;
  /** Whether a read may show what was there before the newest change. */
  readsMayBeStale: boolean;
  /** How many times the list was read. */
  looks: number;
  /** Told of each write through the API that took effect. */
  onWrite: (write: CloudWrite) => void;
  configOf(common: GateCommon): GateConfig;
  openGate(config: GateConfig, parts: GateParts): Promise<Gate>;
  /** Replaces the whole list, as scripts do: GET, PUT. For the rivals. Throws when it fails. */
  replace(transport: Transport, change: (entries: readonly Cidr[]) => readonly string[]): Promise<void>;
}
