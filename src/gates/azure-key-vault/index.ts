/**
 * The firewall of an Azure Key Vault as a gate. What it will not touch: the default action, the bypass, public
 * network access, virtual network rules, and every rule that is not ours. See readme.md.
 */
import { type Cidr, compareCidrs, familyOf } from '../../address/cidr.ts';
import { neverWrittenReason } from '../../address/classify.ts';
import type { Clock } from '../../clock.ts';
import type { Finding } from '../../finding.ts';
import {
  type Gate,
  GateConflictError,
  GateError,
  type GateLimits,
  type GateState,
  GateUnverifiedError,
} from '../gate.ts';
import { type ClientOptions, createVaultClient, type VaultClient } from './client.ts';
import { explain, mayHaveTakenEffect, retryWaitMs } from './errors.ts';
import { lockFindings, rightsFindings } from './rights.ts';
import type { NetworkAclsAnswer, VaultAnswer } from './schema.ts';
import { parseVaultId } from './vault-id.ts';
import { otherMembers, rulesOf, stateOf } from './vault-state.ts';

export interface AzureKeyVaultOptions extends Omit<ClientOptions, 'vaultId'>, VaultGateOptions {}

export interface VaultGateOptions {
  readonly name: string;
  /** The vault's ARM id. */
  readonly vaultId: string;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
}

/** Microsoft Learn, "Configure Azure Key Vault firewalls": 1,000 IPv4 rules, public addresses only. */
const maxRules = 1_000;
/** No figure is documented; waits of 2 and of 15 minutes are known from others' scripts. */
const settleMs = 15 * 60_000;
const maxWriteAttempts = 4;
/** Waits before each further look at what a write has done, in milliseconds: reads may be stale at first. */
const readBackWaitsMs = [0, 1_000, 2_000, 4_000, 8_000, 15_000];

/**
 * Azure shows an empty list as `[]` in every answer that was recorded. One without `ipRules` is asked for again, and
 * is an empty list only when it stays so: were it an accident, a write would take out what others have let in.
 */
const missingRulesWaitsMs = [1_000, 3_000];

const limits: GateLimits = {
  families: [4],
  settleMs,
  measure: entries => ({ used: entries.length, limit: maxRules, unit: 'entries' }),
};

/** Loads Microsoft's SDK. Throws an Error when the vault's id is not one. */
export async function createAzureKeyVaultGate(options: AzureKeyVaultOptions): Promise<Gate> {
  const vaultId = parseVaultId(options.vaultId);
  return azureKeyVaultGateOver(await createVaultClient({ ...options, vaultId }), options);
}

/** The gate over a client of the caller's. Throws an Error when the vault's id is not one. */
export function azureKeyVaultGateOver(client: VaultClient, options: VaultGateOptions): Gate {
  return new AzureKeyVaultGate(options, parseVaultId(options.vaultId).text, client);
}

class AzureKeyVaultGate implements Gate {
  readonly kind = 'azure-key-vault';
  readonly name: string;
  readonly id: string;
  readonly key: string;
  readonly limits = limits;
  readonly #client: VaultClient;
  readonly #clock: Clock;
  readonly #random: () => number;

  constructor({ name, clock, random }: VaultGateOptions, vaultId: string, client: VaultClient) {
    this.name = name;
    this.key = vaultId.toLowerCase();
    this.id = `azure-key-vault:${this.key}`;
    this.#client = client;
    this.#clock = clock;
    this.#random = random;
  }

  async read(): Promise<GateState> {
    return stateOf(await this.#get('The vault cannot be read'));
  }

  async write(next: readonly Cidr[], expected: GateState['revision']): Promise<GateState> {
    for (let attempt = 1; ; attempt++) {
      const fresh = await this.#get('The vault cannot be read before the write');
      const acls = this.#writable(fresh, next, expected);
      try {
        const answer = await this.#client.patch(acls);
        return await this.#readBack(next, fresh, answer.systemData?.lastModifiedAt ?? undefined);
      } catch (error) {
        if (error instanceof GateError) throw error;
        const waitMs = attempt < maxWriteAttempts ? retryWaitMs(error, this.#clock.now()) : undefined;
        if (waitMs !== undefined) {
          // The vault is read again before the next try, since it may have changed while we waited.
          await this.#clock.sleep(waitMs + 2_000 * 2 ** attempt * (0.5 + this.#random() / 2));
          continue;
        }
        if (mayHaveTakenEffect(error)) return await this.#findOut(next, fresh, error);
        throw explain(this.name, 'The vault refused the write, and nothing was changed', error);
      }
    }
  }

  async diagnose(): Promise<readonly Finding[]> {
    const [rights, locks] = await Promise.all([
      this.#client.permissions().then(rightsFindings, error => [this.#rightsUnknown(error)]),
      // Few identities may read locks, and a lock shows itself in the first write's refusal.
      this.#client.locks().then(lockFindings, () => []),
    ]);
    return [...rights, ...locks];
  }

  #rightsUnknown(error: unknown): Finding {
    return {
      id: 'rights-unknown',
      severity: 'info',
      message: explain(this.name, 'What the identity may do to the vault cannot be found out', error).message,
      remedy:
        'The right Microsoft.Authorization/permissions/read, on the vault, lets Postern tell beforehand what it lacks.',
    };
  }

  async #get(what: string): Promise<VaultAnswer> {
    try {
      return await this.#getWhole();
    } catch (error) {
      throw explain(this.name, what, error);
    }
  }

  /** Never an answer that lacks its rules by accident: a write would then take out those of others. */
  async #getWhole(): Promise<VaultAnswer> {
    let answer = await this.#client.get();
    for (const waitMs of missingRulesWaitsMs) {
      if (!lacksRules(answer)) break;
      await this.#clock.sleep(waitMs);
      answer = await this.#client.get();
    }
    return answer;
  }

  /** The network rules to send: everything as it was, but for the list. Throws when they must not be sent. */
  #writable(fresh: VaultAnswer, next: readonly Cidr[], expected: GateState['revision']): NetworkAclsAnswer {
    const state = stateOf(fresh);
    if (state.revision !== expected) {
      const { by = 'someone', at = 'a moment ago' } = state.lastChange ?? {};
      throw new GateConflictError(
        this.name,
        `The vault's network rules were changed by ${by} at ${at}, after Postern had read them.`,
      );
    }
    if (state.obstacle) {
      const { message, remedy } = state.obstacle;
      throw new GateError(this.name, `${message} Nothing was written.`, { remedy });
    }
    const acls = fresh.properties.networkAcls!;
    this.#refuseUnfit(next, new Set(state.entries));
    const { bypass, defaultAction, virtualNetworkRules } = acls;
    return {
      bypass,
      defaultAction,
      ipRules: ipRulesFor(acls, next),
      virtualNetworkRules: virtualNetworkRules ?? [],
    };
  }

  /** The gate's own look at a list, whatever made it (DESIGN.md §3, invariant 5). */
  #refuseUnfit(next: readonly Cidr[], present: ReadonlySet<Cidr>): void {
    const refuse = (what: string) => {
      throw new GateError(this.name, `${what} Nothing was written.`, {
        remedy: 'This is a defect in Postern: please report it.',
      });
    };
    if (next.length === 0) refuse('The list would be empty.');
    if (next.length > maxRules)
      refuse(`The list would have ${next.length} rules; a vault holds ${maxRules}.`);
    for (const cidr of next) {
      if (present.has(cidr)) continue;
      if (familyOf(cidr) !== 4) refuse(`${cidr} is no IPv4 block, and a vault holds only those.`);
      const reason = neverWrittenReason(cidr);
      if (reason !== undefined) refuse(`${cidr} is never written: ${reason}.`);
    }
  }

  /** Looks until the vault shows what was written, and nothing else has changed. */
  async #readBack(
    next: readonly Cidr[],
    before: VaultAnswer,
    writtenAt: string | undefined,
  ): Promise<GateState> {
    let last: VaultAnswer | undefined;
    for (const waitMs of readBackWaitsMs) {
      if (waitMs > 0) await this.#clock.sleep(waitMs);
      last = await this.#lookAgain(next);
      // A read that is older than the write shows nothing of it.
      if (isOlder(last, writtenAt)) continue;
      const state = stateOf(last);
      if (!sameEntries(state.entries, next)) continue;
      this.#checkOthers(before, last);
      return state;
    }
    const state = last && stateOf(last);
    throw new GateUnverifiedError(
      this.name,
      `The vault took the write, and does not show it: ${state?.entries.length ?? 'no'} entries were read back instead of the ${next.length} that were written.`,
      {
        ...(state && !isOlder(last!, writtenAt) && { state }),
        remedy: 'Someone else may have written at the same time: see `postern plan`.',
      },
    );
  }

  /** The answer to a write never came: whether it took effect is what the vault shows now. */
  async #findOut(next: readonly Cidr[], before: VaultAnswer, cause: unknown): Promise<GateState> {
    for (const waitMs of readBackWaitsMs) {
      if (waitMs > 0) await this.#clock.sleep(waitMs);
      const now = await this.#lookAgain(next, cause);
      const state = stateOf(now);
      if (!sameEntries(state.entries, next)) continue;
      this.#checkOthers(before, now);
      return state;
    }
    // No state is given: a stale read could show the old list though the write took effect.
    throw new GateUnverifiedError(
      this.name,
      `The write was sent, its answer did not come (${messageOf(cause)}), and the vault does not show it.`,
      {
        cause,
        remedy: 'The next run looks again and carries on from what the vault holds.',
      },
    );
  }

  async #lookAgain(next: readonly Cidr[], cause?: unknown): Promise<VaultAnswer> {
    try {
      return await this.#getWhole();
    } catch (error) {
      throw new GateUnverifiedError(
        this.name,
        `A list of ${next.length} entries was sent to the vault, and what it holds now cannot be read: ${messageOf(error)}`,
        {
          cause: cause ?? error,
          remedy: 'The next run looks again and carries on from what the vault holds.',
        },
      );
    }
  }

  #checkOthers(before: VaultAnswer, after: VaultAnswer): void {
    const was = JSON.stringify(otherMembers(before.properties.networkAcls));
    const is = JSON.stringify(otherMembers(after.properties.networkAcls));
    const [accessWas, accessIs] = [before, after].map(
      ({ properties }) => properties.publicNetworkAccess ?? 'not shown',
    );
    if (was === is && accessWas === accessIs) return;
    throw new GateUnverifiedError(
      this.name,
      `The list was written as planned, but other network settings of the vault are not as they were. Before: ${was}, public access ${accessWas}; now: ${is}, public access ${accessIs}.`,
      { state: stateOf(after), remedy: 'See who changed them; Postern sends them back as it reads them.' },
    );
  }
}

function lacksRules({ properties: { networkAcls } }: VaultAnswer): boolean {
  return networkAcls != null && networkAcls.ipRules == null;
}

/** The rules that stay, as their owners wrote them and in their order, and then the new ones. */
function ipRulesFor(acls: NetworkAclsAnswer, next: readonly Cidr[]): { value: string }[] {
  const wanted = new Set(next);
  const rules = rulesOf(acls);
  const kept = rules.filter(({ cidr }) => cidr === undefined || wanted.has(cidr)).map(({ text }) => text);
  const present = new Set(rules.map(({ cidr }) => cidr));
  const added = next.filter(cidr => !present.has(cidr)).sort(compareCidrs);
  return [...kept, ...added].map(value => ({ value }));
}

function isOlder({ systemData }: VaultAnswer, writtenAt: string | undefined): boolean {
  const shownAt = systemData?.lastModifiedAt;
  return writtenAt !== undefined && !!shownAt && Date.parse(shownAt) < Date.parse(writtenAt);
}

function sameEntries(a: readonly Cidr[], b: readonly Cidr[]): boolean {
  const set = new Set(a);
  return set.size === new Set(b).size && b.every(cidr => set.has(cidr));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
