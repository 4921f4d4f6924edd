/**
 * A level of Google's Access Context Manager as a gate. What it will not touch: perimeters, any other level, and
 * a level that asks for more than addresses. See readme.md.
 */
import { type Cidr, compareCidrs } from '../../address/cidr.ts';
import { neverWrittenReason } from '../../address/classify.ts';
import type { Clock } from '../../clock.ts';
import type { Finding } from '../../finding.ts';
import type { Transport } from '../../transport/transport.ts';
import {
  type Gate,
  GateConflictError,
  GateError,
  type GateLimits,
  type GateState,
  GateUnverifiedError,
} from '../gate.ts';
import { createLevelClient, googleEndpoint, type LevelClient } from './client.ts';
import { diagnoseLevel } from './diagnose.ts';
import {
  explain,
  isAlreadyThere,
  isPassingConflict,
  isQuota,
  mayHaveTakenEffect,
  operationError,
} from './errors.ts';
import { GoogleApiError } from './http.ts';
import { maxEntries } from './level-body.ts';
import { type LevelReading, readLevel } from './level-state.ts';
import { checkPerimeterName, type LevelName, parseLevelName } from './names.ts';
import { readPerimeter } from './perimeter.ts';
import type { OperationAnswer, PerimeterAnswer } from './schema.ts';
import { createTokenSource } from './token-source.ts';

export interface GcpAccessLevelOptions {
  readonly name: string;
  /** `accessPolicies/NUMBER/accessLevels/NAME` */
  readonly level: string;
  /** `accessPolicies/NUMBER/servicePerimeters/NAME`; undefined: whether the list is in force is not looked at. */
  readonly perimeter: string | undefined;
  readonly quotaProject: string | undefined;
  /** Undefined: Google's. */
  readonly endpoint: string | undefined;
  /** Undefined: Application Default Credentials. */
  readonly credentialFile: string | undefined;
  readonly transport: Transport;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
}

export type LevelGateOptions = Pick<
  GcpAccessLevelOptions,
  'name' | 'level' | 'perimeter' | 'clock' | 'random'
>;

/** Google's pages on perimeters: up to 30 minutes until a change is in force. And some more. */
const settleMs = 35 * 60_000;
const maxWriteAttempts = 4;
/** Writes are counted by the minute. */
const quotaWaitMs = 30_000;
/** Waits before each look at an operation, in milliseconds; it is given up after a little more than two minutes. */
const operationWaitsMs = [0, 500, 1_000, 2_000, 4_000, 8_000, ...new Array<number>(8).fill(15_000)];
/** Waits before each further look at what a write has done, in milliseconds: reads may be stale at first. */
const readBackWaitsMs = [0, 1_000, 2_000, 4_000, 8_000, 15_000];

const rights = {
  get: 'accesscontextmanager.accessLevels.get',
  create: 'accesscontextmanager.accessLevels.create',
  update: 'accesscontextmanager.accessLevels.update',
};

const limits: GateLimits = {
  families: [4, 6],
  settleMs,
  measure: entries => ({ used: entries.length, limit: maxEntries, unit: 'entries' }),
  whenFull: 'Split the projects over two access levels, each a gate, and name both in the ingress rule.',
};

/** Throws an Error when the level's or the perimeter's name is not one. */
export function createGcpAccessLevelGate(options: GcpAccessLevelOptions): Gate {
  const { transport, credentialFile, quotaProject, endpoint, perimeter } = options;
  const name = parseLevelName(options.level);
  if (perimeter !== undefined) checkPerimeterName(perimeter, name);
  const tokens = createTokenSource({
    transport,
    credentialFile,
    quotaProject,
    isElsewhere: endpoint !== undefined && endpoint !== googleEndpoint,
  });
  return gcpAccessLevelGateOver(
    createLevelClient({ name, transport, tokens, endpoint: endpoint ?? googleEndpoint }),
    options,
  );
}

/** The gate over a client of the caller's. Throws an Error when the level's name is not one. */
export function gcpAccessLevelGateOver(client: LevelClient, options: LevelGateOptions): Gate {
  return new GcpAccessLevelGate(options, parseLevelName(options.level), client);
}

class GcpAccessLevelGate implements Gate {
  readonly kind = 'gcp-access-level';
  readonly name: string;
  readonly id: string;
  /** A level may stand before many keys. */
  readonly key = undefined;
  readonly limits = limits;
  readonly #level: LevelName;
  readonly #perimeterName: string | undefined;
  readonly #client: LevelClient;
  readonly #clock: Clock;
  readonly #random: () => number;
  /** As the last `read` saw it: a write does not change it. */
  #perimeter: PerimeterAnswer | Finding | undefined;

  constructor(options: LevelGateOptions, level: LevelName, client: LevelClient) {
    this.name = options.name;
    this.id = `gcp-access-level:${level.level.toLowerCase()}`;
    this.#level = level;
    this.#perimeterName = options.perimeter;
    this.#client = client;
    this.#clock = options.clock;
    this.#random = options.random;
  }

  async read(): Promise<GateState> {
    const [level, perimeter] = await Promise.all([
      this.#getLevel('The access level cannot be read'),
      this.#getPerimeter(),
    ]);
    this.#perimeter = perimeter;
    return this.#stateOf(level);
  }

  async write(next: readonly Cidr[], expected: GateState['revision']): Promise<GateState> {
    for (let attempt = 1; ; attempt++) {
      const before = await this.#getLevel('The access level cannot be read before the write');
      const list = this.#writable(before, next, expected);
      try {
        await this.#carriedOut(
          before.exists ? await this.#client.patchLevel(list) : await this.#client.createLevel(list),
        );
        return await this.#readBack(next, before);
      } catch (error) {
        if (error instanceof GateError) throw error;
        if ((isPassingConflict(error) || isQuota(error)) && attempt < maxWriteAttempts) {
          const waitMs = isQuota(error) ? quotaWaitMs : 2_000 * 2 ** attempt;
          await this.#clock.sleep(waitMs * (0.5 + this.#random() / 2));
          continue;
        }
        if (isAlreadyThere(error) && !before.exists) await this.#refuseWhenMadeMeanwhile();
        if (mayHaveTakenEffect(error)) return await this.#findOut(next, before, error);
        const what =
          error instanceof GoogleApiError
            ? 'Google refused the write, and nothing was changed'
            : 'The write was not sent, and nothing was changed';
        throw explain(this.name, what, error, before.exists ? rights.update : rights.create);
      }
    }
  }

  async diagnose(): Promise<readonly Finding[]> {
    const perimeter = this.#perimeterName;
    return await diagnoseLevel({ gate: this.name, name: this.#level, perimeter, client: this.#client });
  }

  async #getLevel(what: string): Promise<LevelReading> {
    try {
      const level = await this.#client.getLevel();
      // Without this a wrong number in the config would look like a level that is still to be made.
      if (level === undefined) await this.#checkPolicy(what);
      return readLevel(level);
    } catch (error) {
      throw explain(this.name, what, error, rights.get);
    }
  }

  async #checkPolicy(what: string): Promise<void> {
    try {
      await this.#client.getPolicy();
    } catch (error) {
      const { code } = explain(this.name, what, error, 'accesscontextmanager.policies.get') as GateError;
      if (code === 'PERMISSION_DENIED') return;
      throw error;
    }
  }

  /** What cannot be seen of the perimeter is a finding: it must not keep an addition from happening. */
  async #getPerimeter(): Promise<PerimeterAnswer | Finding | undefined> {
    if (this.#perimeterName === undefined) return undefined;
    try {
      return await this.#client.getPerimeter(this.#perimeterName);
    } catch (error) {
      const what = `Whether the list is in force cannot be seen: the perimeter ${this.#perimeterName} cannot be read`;
      const explained = explain(this.name, what, error, 'accesscontextmanager.servicePerimeters.get');
      return {
        id: 'perimeter-not-readable',
        severity: 'warning',
        message: explained.message,
        ...(explained.remedy !== undefined && { remedy: explained.remedy }),
      };
    }
  }

  #stateOf(level: LevelReading): GateState {
    const perimeter = this.#perimeterReading(level.exists);
    // Carried along by every write, whatever the list is.
    const takenElsewhere =
      level.subnetworks.filter(({ cidr }) => cidr === undefined).length + level.idle.length;
    return {
      entries: level.entries,
      revision: level.revision,
      ...(level.idle.length > 0 && { idle: level.idle }),
      lets: perimeter.admits === 'list' ? level.lets : perimeter.admits,
      findings: [...perimeter.findings, ...level.findings],
      ...(takenElsewhere > 0 && { takenElsewhere }),
      ...(level.obstacle && { obstacle: level.obstacle }),
    };
  }

  #perimeterReading(exists: boolean): Pick<ReturnType<typeof readPerimeter>, 'admits' | 'findings'> {
    const perimeter = this.#perimeter;
    if (perimeter === undefined) return { admits: 'list', findings: this.#perimeterName ? [] : [notKnown] };
    if ('severity' in perimeter) return { admits: 'list', findings: [perimeter] };
    return readPerimeter(perimeter, this.#level.level, exists);
  }

  /** The texts to send. Throws when they must not be sent. */
  #writable(before: LevelReading, next: readonly Cidr[], expected: GateState['revision']): readonly string[] {
    if (before.revision !== expected) {
      throw new GateConflictError(
        this.name,
        `The access level was ${before.exists ? 'changed' : 'deleted'} by someone after Postern had read it.`,
      );
    }
    if (before.obstacle) {
      const { message, remedy } = before.obstacle;
      throw new GateError(this.name, `${message} Nothing was written.`, { remedy });
    }
    this.#refuseUnfit(next, new Set(before.entries));
    const list = textsFor(before, next);
    if (list.length > maxEntries) {
      throw new GateError(
        this.name,
        `The access level would hold ${list.length} entries, and ${maxEntries} is the most. Nothing was written.`,
        { remedy: limits.whenFull! },
      );
    }
    return list;
  }

  /** The gate's own look at a list, whatever made it (DESIGN.md §3, invariant 5). */
  #refuseUnfit(next: readonly Cidr[], present: ReadonlySet<Cidr>): void {
    const refuse = (what: string) => {
      throw new GateError(this.name, `${what} Nothing was written.`, {
        remedy: 'This is a defect in Postern: please report it.',
      });
    };
    if (next.length === 0) refuse('The list would be empty, which in an access level lets in everyone.');
    for (const cidr of next) {
      if (present.has(cidr)) continue;
      const reason = neverWrittenReason(cidr);
      if (reason !== undefined) refuse(`${cidr} is never written: ${reason}.`);
    }
  }

  /** Waits for the operation. Throws what it ends with. */
  async #carriedOut(begun: OperationAnswer): Promise<void> {
    let operation = begun;
    for (const waitMs of operationWaitsMs) {
      if (operation.done) break;
      if (waitMs > 0) await this.#clock.sleep(waitMs);
      operation = await this.#lookAtOperation(operation);
    }
    if (operation.error) throw operationError(operation.error);
  }

  /** What counts is what the level shows; an operation that cannot be looked at tells nothing. */
  async #lookAtOperation(operation: OperationAnswer): Promise<OperationAnswer> {
    try {
      return await this.#client.getOperation(operation.name);
    } catch {
      return operation;
    }
  }

  /** Looks until the level shows what was written. */
  async #readBack(next: readonly Cidr[], before: LevelReading): Promise<GateState> {
    const shown = await this.#lookFor(next, before);
    if (shown.isThere) return this.#stateOf(shown.level);
    throw new GateUnverifiedError(
      this.name,
      `Google took the write, and the level does not show it: ${shown.level.entries.length} entries were read back instead of the ${next.length} that were written.`,
      {
        // The old list may be a stale reading; only another one is news.
        ...(shown.level.revision !== before.revision && { state: this.#stateOf(shown.level) }),
        remedy: 'Someone else may have written at the same time: see `postern plan`.',
      },
    );
  }

  /** The answer to a write never came: whether it took effect is what the level shows now. */
  async #findOut(next: readonly Cidr[], before: LevelReading, cause: unknown): Promise<GateState> {
    const shown = await this.#lookFor(next, before, cause);
    if (shown.isThere) return this.#stateOf(shown.level);
    // No state is given: the operation may still be under way.
    throw new GateUnverifiedError(
      this.name,
      `The write was sent, its answer did not come (${messageOf(cause)}), and the level does not show it.`,
      { cause, remedy: 'The next run looks again and carries on from what the level holds.' },
    );
  }

  /** Looks several times: an operation takes its while, and a look that fails says nothing. */
  async #lookFor(
    next: readonly Cidr[],
    before: LevelReading,
    cause?: unknown,
  ): Promise<{ readonly isThere: boolean; readonly level: LevelReading }> {
    const whole = new Set([...next, ...before.idle]);
    let last: LevelReading | undefined;
    let failure: unknown;
    for (const waitMs of readBackWaitsMs) {
      if (waitMs > 0) await this.#clock.sleep(waitMs);
      try {
        last = readLevel(await this.#client.getLevel());
        failure = undefined;
      } catch (error) {
        failure = error;
        continue;
      }
      const { obstacle, entries } = last;
      if (!obstacle && entries.length === whole.size && entries.every(cidr => whole.has(cidr))) {
        return { isThere: true, level: last };
      }
    }
    if (last && failure === undefined) return { isThere: false, level: last };
    throw new GateUnverifiedError(
      this.name,
      `A list of ${next.length} entries was sent to the access level, and what it holds now cannot be read: ${messageOf(failure)}`,
      {
        cause: cause ?? failure,
        remedy: 'The next run looks again and carries on from what the level holds.',
      },
    );
  }

  async #refuseWhenMadeMeanwhile(): Promise<void> {
    const now = await this.#getLevel('The access level cannot be read after its making was refused');
    if (now.exists) {
      throw new GateConflictError(
        this.name,
        'The access level was made by someone else after Postern had looked for it.',
      );
    }
  }
}

/** What stays, as its owners wrote it and in its order, and then the new ones. */
function textsFor({ subnetworks, idle }: LevelReading, next: readonly Cidr[]): readonly string[] {
  const wanted = new Set([...next, ...idle]);
  const kept = subnetworks.filter(({ cidr }) => cidr === undefined || wanted.has(cidr));
  const present = new Set(kept.map(({ cidr }) => cidr));
  const added = next.filter(cidr => !present.has(cidr)).sort(compareCidrs);
  return [...kept.map(({ text }) => text), ...added];
}

const notKnown: Finding = {
  id: 'perimeter-not-known',
  severity: 'info',
  message: 'No perimeter is given in the config, so Postern cannot see whether the access level is used.',
  remedy: "Set `perimeter` on the gate to the service perimeter around the key's project.",
};

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
