/**
 * One statement in the policy of a KMS key as a gate: it denies the role in which Atlas calls KMS every address
 * that is not in the list. What it will not touch: every other statement, and the key. See readme.md.
 */
import type { Cidr } from '../../address/cidr.ts';
import type { Clock } from '../../clock.ts';
import type { Finding } from '../../finding.ts';
import { nameOf } from '../aws/access.ts';
import { entriesOf, refuseUnfit, sameEntries, valuesFor } from '../aws/address-list.ts';
import { diagnoseKey } from '../aws/diagnose.ts';
import { explain } from '../aws/errors.ts';
import { createIamClient, type IamClient } from '../aws/iam-client.ts';
import { keyFindings, keyPolicyFindings, siblingsOf } from '../aws/key-findings.ts';
import { createKmsClient, type KeyMetadata, type KmsClient } from '../aws/kms-client.ts';
import { compactJson, PolicyError, parsePolicy } from '../aws/policy-document.ts';
import { isSamePolicy, isSameStatement, meaningOfStatement } from '../aws/same-policy.ts';
import type { SessionOptions } from '../aws/session.ts';
import {
  notRead,
  principalOf,
  type RolePolicies,
  readRole,
  readRolePolicies,
  unreadRolePolicies,
  WrongRoleError,
} from '../aws/surroundings.ts';
import { write } from '../aws/write.ts';
import { type Gate, GateConflictError, GateError, type GateLimits, type GateState } from '../gate.ts';
import {
  bytesOf,
  type Identity,
  type KeyPolicy,
  readKeyPolicyText,
  withoutOwn,
  writeKeyPolicy,
} from './document.ts';
import { notOursRemedy, revisionOf, stateOf } from './key-state.ts';
import { explainRefusal } from './refusal.ts';

export interface AwsKeyPolicyOptions extends SessionOptions {
  readonly name: string;
  readonly keyArn: string;
  readonly roleArn: string;
  readonly sid: string;
}

export type KeyPolicyGateOptions = Pick<
  AwsKeyPolicyOptions,
  'name' | 'keyArn' | 'roleArn' | 'sid' | 'clock' | 'random'
>;

/** "Key policy document size: 32 KB" (KMS guide, "Resource quotas"). */
const maxBytes = 32_768;
/** KMS: "typically less than a few seconds", "in some cases" several minutes. */
const settleMs = 10 * 60_000;

/** The role as far as it could be read: its principal, and what its policies say. */
interface RoleReading {
  readonly uniqueId: string | undefined;
  readonly policies: Omit<RolePolicies, 'findings'>;
  readonly findings: readonly Finding[];
}

/** Loads Amazon's SDK. Throws an Error when an ARN is not one. */
export async function createAwsKeyPolicyGate(options: AwsKeyPolicyOptions): Promise<Gate> {
  const [kms, iam] = await Promise.all([
    createKmsClient(options.keyArn, options),
    createIamClient(options.roleArn, options),
  ]);
  return awsKeyPolicyGateOver({ kms, iam }, options);
}

/** The gate over clients of the caller's. */
export function awsKeyPolicyGateOver(
  { kms, iam }: { readonly kms: KmsClient; readonly iam: IamClient },
  options: KeyPolicyGateOptions,
): Gate {
  return new AwsKeyPolicyGate(options, kms, iam);
}

class AwsKeyPolicyGate implements Gate {
  readonly kind = 'aws-key-policy';
  readonly name: string;
  readonly id: string;
  readonly key: string;
  readonly limits: GateLimits;
  readonly #options: KeyPolicyGateOptions;
  readonly #identity: Identity;
  readonly #kms: KmsClient;
  readonly #iam: IamClient;
  readonly #clock: Clock;

  constructor(options: KeyPolicyGateOptions, kms: KmsClient, iam: IamClient) {
    const { name, keyArn, roleArn, sid, clock } = options;
    this.name = name;
    this.key = keyArn.toLowerCase();
    this.id = `aws-key-policy:${keyArn}#${sid}`.toLowerCase();
    this.#identity = { roleArn, sid };
    this.limits = {
      families: [4, 6],
      settleMs,
      whenFull:
        'Take statements that are not needed out of the key policy; its limit of 32,768 bytes cannot be raised.',
      measure: entries => ({ used: bytesOf(entries, this.#identity), limit: maxBytes, unit: 'bytes' }),
    };
    this.#options = options;
    this.#kms = kms;
    this.#iam = iam;
    this.#clock = clock;
  }

  async read(): Promise<GateState> {
    return await this.#stateWith(await this.#readPolicy());
  }

  async write(next: readonly Cidr[], expected: GateState['revision']): Promise<GateState> {
    await this.#refuseMisspeltRole();
    return await this.#send(fresh => this.#compose(fresh, next, expected));
  }

  /** Takes our statement out of the policy; every other one stays as AWS gave it. */
  async withdraw(expected: GateState['revision']): Promise<GateState> {
    return await this.#send(fresh => this.#composeWithout(fresh, expected));
  }

  async #send(compose: (fresh: KeyPolicy) => string): Promise<GateState> {
    const policy = await write<KeyPolicy>({
      gate: this.name,
      noun: 'The key policy',
      clock: this.#clock,
      random: this.#options.random,
      look: () => this.#readPolicy(),
      compose,
      send: text => this.#kms.putPolicy(text),
      shows: ({ document }, text) => isSamePolicy(document, parsePolicy(text)),
      explainRefusal: (error, fresh) => explainRefusal(this.name, error, fresh),
      describeDifference: (shown, text) => ({ what: this.#differenceOf(shown, text) }),
    });
    return await this.#stateWith(policy);
  }

  async diagnose(): Promise<readonly Finding[]> {
    const { roleArn, keyArn } = this.#options;
    return await diagnoseKey({ iam: this.#iam, kms: this.#kms, roleArn, keyArn });
  }

  async #readPolicy(): Promise<KeyPolicy> {
    try {
      return readKeyPolicyText(await this.#kms.getPolicy(), this.#identity);
    } catch (error) {
      const remedy = error instanceof PolicyError ? 'See aws kms get-key-policy, and report it.' : undefined;
      throw explain(this.name, `The policy of the key ${this.#options.keyArn} cannot be read`, error, remedy);
    }
  }

  async #stateWith(policy: KeyPolicy): Promise<GateState> {
    const { keyArn, roleArn } = this.#options;
    const [role, metadata] = await Promise.all([
      this.#readRole(),
      this.#kms.describe().then(describeKey, error => [notRead('The state of the key', error)]),
    ]);
    return stateOf({
      keyArn,
      identity: this.#identity,
      policy,
      role: { ...principalOf(roleArn, undefined), uniqueId: role.uniqueId },
      rolePolicies: role.policies,
      findings: [
        ...metadata,
        ...role.findings,
        ...keyPolicyFindings({ name: 'the key policy', document: policy.document }),
      ],
    });
  }

  /** A key policy can be written without any right over the role; what its policies say is then not known. */
  async #readRole(): Promise<RoleReading> {
    try {
      const role = await readRole(this.#iam, this.#options.roleArn, this.name);
      const { findings, ...policies } = await readRolePolicies(this.#iam, role);
      return { uniqueId: role.RoleId ?? undefined, policies, findings };
    } catch (error) {
      return { uniqueId: undefined, policies: unreadRolePolicies, findings: [roleFinding(error)] };
    }
  }

  /** A statement that names a role which is not there as it is spelt would deny nobody. */
  async #refuseMisspeltRole(): Promise<void> {
    try {
      await readRole(this.#iam, this.#options.roleArn, this.name);
    } catch (error) {
      if (error instanceof WrongRoleError && error.isMisspelt) throw error;
    }
  }

  /** The policy to send. Throws when it must not be sent. */
  #compose(fresh: KeyPolicy, next: readonly Cidr[], expected: GateState['revision']): string {
    this.#refuseChanged(fresh, expected);
    const values = fresh.own?.values ?? [];
    refuseUnfit(this.name, next, entriesOf(values));
    const text = writeKeyPolicy(fresh, valuesFor(values, next), this.#identity);
    const bytes = Buffer.byteLength(text);
    if (bytes > maxBytes) {
      this.#refuse(`The key policy would have ${bytes} bytes; KMS takes ${maxBytes}.`, this.limits.whenFull!);
    }
    this.#refuseDefect(text, fresh, next);
    return text;
  }

  /** The policy to send that has no statement of ours. Throws when it must not be sent. */
  #composeWithout(fresh: KeyPolicy, expected: GateState['revision']): string {
    this.#refuseChanged(fresh, expected);
    const { sid } = this.#identity;
    const look = 'See the policy: aws kms get-key-policy.';
    if (!fresh.own) this.#refuse(`The key policy has no statement ${sid} to take out.`, look);
    if (fresh.others.length === 0) this.#refuse(`The key policy has no statement but ${sid}.`, look);
    const text = compactJson(withoutOwn(fresh).raw);
    this.#refuseDefect(text, fresh, undefined);
    return text;
  }

  #refuse(what: string, remedy: string): never {
    throw new GateError(this.name, `${what} Nothing was written.`, { remedy });
  }

  #refuseChanged(fresh: KeyPolicy, expected: GateState['revision']): void {
    if (revisionOf(fresh) !== expected) {
      throw new GateConflictError(
        this.name,
        'The key policy was changed by someone after Postern had read it.',
      );
    }
    const strange = fresh.own?.strange;
    if (strange === undefined) return;
    this.#refuse(
      `The statement ${this.#identity.sid} of the key policy is not as Postern writes it: ${strange}.`,
      notOursRemedy,
    );
  }

  /** A last look at the text itself: our list, or with `next` undefined no statement of ours, and all else as it was. */
  #refuseDefect(text: string, fresh: KeyPolicy, next: readonly Cidr[] | undefined): void {
    const { own, others } = readKeyPolicyText(text, this.#identity);
    const isOurs =
      next === undefined
        ? own === undefined
        : own?.strange === undefined && sameEntries(entriesOf(own?.values ?? []), next);
    const isWhole =
      isOurs &&
      others.length === fresh.others.length &&
      others.every((statement, at) => isSameStatement(statement, fresh.others[at]!));
    if (isWhole) return;
    throw new GateError(
      this.name,
      'The policy to send is not the old one with the new list. Nothing was written.',
      {
        remedy: 'This is a defect in Postern: please report it.',
      },
    );
  }

  #differenceOf(shown: KeyPolicy, text: string): string {
    const sent = readKeyPolicyText(text, this.#identity);
    const entries = entriesOf(shown.own?.values ?? []);
    const wanted = entriesOf(sent.own?.values ?? []);
    if (!shown.own !== !sent.own) {
      return `it has ${sent.own ? 'no' : 'still the'} statement ${this.#identity.sid}.`;
    }
    if (!sameEntries(entries, wanted)) {
      return `it has ${entries.length} entries instead of the ${wanted.length} that were written.`;
    }
    const meanings = new Set(sent.others.map(meaningOfStatement));
    const changed = shown.others.findIndex(statement => !meanings.has(meaningOfStatement(statement)));
    return changed < 0
      ? 'its other statements are not as they were.'
      : `the list is as written, and ${nameOf({ name: 'the key policy' }, shown.others[changed]!, changed)} is not as it was.`;
  }
}

function describeKey(key: KeyMetadata): readonly Finding[] {
  const siblings = siblingsOf(key);
  if (siblings.length === 0) return keyFindings(key);
  return [
    ...keyFindings(key),
    {
      id: 'multi-region-key',
      severity: 'warning',
      message: `The key is multi-Region, and each replica has a policy of its own, which this gate does not write: ${siblings.join(', ')}.`,
      remedy: 'Where Atlas or others can use a replica, give it a gate of its own.',
    },
  ];
}

function roleFinding(error: unknown): Finding {
  if (error instanceof GateError && error.code === 'NoSuchEntity') {
    return {
      id: 'role-missing',
      severity: 'error',
      message: `${error.message} If the credentials are of the role's account, Atlas has no role to call the key in.`,
      ...(error.remedy && { remedy: error.remedy }),
    };
  }
  if (error instanceof WrongRoleError && error.isMisspelt) {
    return { id: 'role-misspelt', severity: 'error', message: error.message, remedy: error.remedy! };
  }
  return notRead("The role's policies", error instanceof GateError ? (error.cause ?? error) : error);
}
