/** IAM's roles and their policies, as they are stored. */
import type { Entity } from './directory.ts';
import { limitExceeded } from './iam-errors.ts';
import { type Dialect, malformed, type PolicyDocument, parsePolicy } from './policy-document.ts';
import type { SharedState } from './shared-state.ts';
import { Timeline } from './timeline.ts';

/** IAM gives a policy back as it was sent, so its text is kept. */
export interface StoredPolicy {
  readonly text: string;
  readonly document: PolicyDocument;
}

export interface Role {
  readonly entity: Entity;
  readonly path: string;
  trust: StoredPolicy;
  /** By name. */
  readonly inline: Timeline<ReadonlyMap<string, StoredPolicy>>;
  /** ARNs of managed policies. */
  readonly attached: string[];
  /** The ARN of the managed policy that is its permissions boundary. */
  boundary?: string;
}

export interface ManagedPolicy {
  readonly arn: string;
  readonly createdMs: number;
  /** Ids such as `v1`. A change of a managed policy is in force at once in the lab. */
  readonly versions: Map<string, StoredPolicy>;
  defaultVersion: string;
}

const maxManagedCharacters = 6_144;
const maxAttachedPolicies = 10;
const maxVersions = 5;

export class IamModel {
  readonly #state: SharedState;
  readonly #roles = new Map<string, Role>();
  readonly #managed = new Map<string, ManagedPolicy>();

  constructor(state: SharedState) {
    this.#state = state;
  }

  addRole(arn: string, trust: object, inline: Readonly<Record<string, object>> = {}): Role {
    const policies = Object.entries(inline).map(([name, policy]) => [name, identityPolicy(policy)] as const);
    const role: Role = {
      entity: this.#state.directory.add(arn),
      path: arn.slice(arn.indexOf('/'), arn.lastIndexOf('/') + 1),
      trust: policyOf(JSON.stringify(trust), 'trust'),
      inline: new Timeline<ReadonlyMap<string, StoredPolicy>>(new Map(policies)),
      attached: [],
    };
    this.#roles.set(arn, role);
    return role;
  }

  /** What else a user may do than all that is not withheld: the lab keeps no policies of users. */
  findUser(arn: string): Entity | undefined {
    return arn.includes(':user/') ? this.#state.directory.find(arn) : undefined;
  }

  /** The managed policy must be there. */
  setBoundary(roleArn: string, policyArn: string): void {
    if (!this.#managed.has(policyArn)) throw new Error(`no policy ${policyArn}`);
    this.role(roleArn).boundary = policyArn;
  }

  boundaryOf({ boundary }: Role): PolicyDocument | undefined {
    const policy = boundary === undefined ? undefined : this.#managed.get(boundary);
    return policy?.versions.get(policy.defaultVersion)?.document;
  }

  /** Its ARN stands for another role when it is made again. */
  deleteRole(arn: string): void {
    this.#roles.delete(arn);
    this.#state.directory.remove(arn);
  }

  findRole(arn: string): Role | undefined {
    return this.#roles.get(arn);
  }

  /** Throws when there is none. */
  role(arn: string): Role {
    const role = this.#roles.get(arn);
    if (!role) throw new Error(`no role ${arn}`);
    return role;
  }

  /** Makes the managed policy, or a new default version of it, and attaches it. */
  attach(roleArn: string, policyArn: string, policy?: object): void {
    if (policy !== undefined) this.addManagedPolicy(policyArn, policy);
    if (!this.#managed.has(policyArn)) throw new Error(`no policy ${policyArn}`);
    const { attached } = this.role(roleArn);
    if (attached.includes(policyArn)) return;
    if (attached.length >= maxAttachedPolicies) {
      throw limitExceeded(`Cannot exceed quota for PoliciesPerRole: ${maxAttachedPolicies}`);
    }
    attached.push(policyArn);
  }

  addManagedPolicy(arn: string, policy: object): void {
    const stored = identityPolicy(policy);
    if (charactersOf(stored.text) > maxManagedCharacters) {
      throw limitExceeded(`Cannot exceed quota for PolicySize: ${maxManagedCharacters}`);
    }
    const known = this.#managed.get(arn);
    if (known?.versions.size === maxVersions) {
      throw limitExceeded(`Cannot exceed quota for VersionsPerPolicy: ${maxVersions}`);
    }
    const version = `v${(known?.versions.size ?? 0) + 1}`;
    if (known) {
      known.versions.set(version, stored);
      known.defaultVersion = version;
      return;
    }
    this.#managed.set(arn, {
      arn,
      createdMs: this.#state.clock.now(),
      versions: new Map([[version, stored]]),
      defaultVersion: version,
    });
  }

  /** Someone else changes an inline policy, or takes it away by giving undefined. */
  edit(roleArn: string, name: string, change: (policy: any) => object | undefined): void {
    const { inline } = this.role(roleArn);
    const next = new Map(inline.newest);
    const old = next.get(name);
    const changed = change(old && JSON.parse(old.text));
    if (changed === undefined) next.delete(name);
    else next.set(name, identityPolicy(changed));
    this.write(inline, next);
  }

  /** The newest text of an inline policy. */
  inlineText(roleArn: string, name: string): string | undefined {
    return this.role(roleArn).inline.newest.get(name)?.text;
  }

  /** The documents of a role that may be in force now, one list for each state that some server may know. */
  documentsInForce(role: Role): readonly (readonly PolicyDocument[])[] {
    const managed = this.#attachedDocuments(role);
    return role.inline
      .inForce(this.#state.clock.now(), this.#state.behaviour)
      .map(inline => [...[...inline.values()].map(({ document }) => document), ...managed]);
  }

  /** The documents of a role, as they were written last. */
  newestDocuments(role: Role): readonly PolicyDocument[] {
    return [
      ...[...role.inline.newest.values()].map(({ document }) => document),
      ...this.#attachedDocuments(role),
    ];
  }

  findManagedPolicy(arn: string): ManagedPolicy | undefined {
    return this.#managed.get(arn);
  }

  get roles(): readonly Role[] {
    return [...this.#roles.values()];
  }

  #attachedDocuments({ attached }: Role): readonly PolicyDocument[] {
    return attached.map(arn => {
      const { versions, defaultVersion } = this.#managed.get(arn)!;
      return versions.get(defaultVersion)!.document;
    });
  }

  write(timeline: Role['inline'], next: ReadonlyMap<string, StoredPolicy>): void {
    timeline.write(next, this.#state.clock.now(), this.#state.behaviour);
  }
}

/** Throws an AwsError when IAM refuses it. */
export function policyOf(text: string, dialect: Exclude<Dialect, 'key'>): StoredPolicy {
  if (!/^[\t\n\r\u0020-\u00ff]+$/.test(text)) throw malformed(dialect, 'Syntax errors in policy.');
  return { text, document: parsePolicy(text, dialect) };
}

const identityPolicy = (policy: object): StoredPolicy => policyOf(JSON.stringify(policy), 'identity');
/** As IAM's quotas count: without white space. */
export const charactersOf = (text: string): number => text.replaceAll(/\s/g, '').length;
