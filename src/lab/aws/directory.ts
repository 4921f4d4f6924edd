/**
 * Who exists in AWS. A policy that names a role or user stores its unique id, so that a role that is deleted
 * and made again is another one (IAM's guide, "AWS JSON policy elements: Principal").
 */
import type { Clock } from '../../clock.ts';
import type { AwsBehaviour } from './behaviour.ts';
import type { PolicyDocument, Principal, Statement } from './policy-document.ts';
import { listOf } from './policy-document.ts';

export interface Entity {
  readonly arn: string;
  /** AROA… of a role, AIDA… of a user. */
  readonly id: string;
  readonly createdMs: number;
}

const rootArn = /^arn:aws:iam::(\d{12}):root$/;
const accountId = /^\d{12}$/;
const uniqueId = /^A(?:RO|ID)A[A-Z0-9]{17}$/;
const serviceName = /^[a-z0-9.-]+\.amazonaws\.com$/;

export const accountOf = (arn: string): string => arn.split(':')[4]!;
/** Undefined where the principal is no whole account. */
export const wholeAccount = (principal: string): string | undefined =>
  accountId.test(principal) ? principal : rootArn.exec(principal)?.[1];

export class Directory {
  readonly #clock: Clock;
  readonly #accounts = new Set<string>();
  readonly #byArn = new Map<string, Entity>();
  #made = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  addAccount(id: string): void {
    this.#accounts.add(id);
  }

  add(arn: string): Entity {
    this.addAccount(accountOf(arn));
    const number = (++this.#made).toString(36).toUpperCase().padStart(10, '0');
    const kind = arn.includes(':role/') ? 'AROA' : 'AIDA';
    const entity = { arn, id: `${kind}LABONLY${number}`, createdMs: this.#clock.now() };
    this.#byArn.set(arn, entity);
    return entity;
  }

  remove(arn: string): void {
    this.#byArn.delete(arn);
  }

  find(arn: string): Entity | undefined {
    return this.#byArn.get(arn);
  }

  /** The document as it is stored; undefined when it names someone who does not exist, as far as KMS knows yet. */
  stored(document: PolicyDocument, behaviour: AwsBehaviour): PolicyDocument | undefined {
    let unknown = false;
    const next = mapPrincipals(document, (kind, name) => {
      const found = kind === 'AWS' ? this.#stored(name, behaviour) : storedElsewhere(kind, name);
      unknown ||= found === undefined;
      return found ?? name;
    });
    return unknown ? undefined : next;
  }

  /** The document as it is shown: ids of those who still exist as their ARNs. */
  shown(document: PolicyDocument, { accountPrincipals }: AwsBehaviour): PolicyDocument {
    const arnOf = new Map([...this.#byArn.values()].map(({ arn, id }) => [id, arn]));
    return mapPrincipals(document, (kind, name) => {
      if (kind !== 'AWS') return name;
      const account = wholeAccount(name);
      if (account === undefined || accountPrincipals === 'as-sent') return arnOf.get(name) ?? name;
      return accountPrincipals === 'id' ? account : `arn:aws:iam::${account}:root`;
    });
  }

  #stored(name: string, behaviour: AwsBehaviour): string | undefined {
    if (name === '*') return name;
    const account = wholeAccount(name);
    if (account !== undefined) return this.#accounts.has(account) ? name : undefined;
    if (uniqueId.test(name)) {
      const exists = [...this.#byArn.values()].some(({ id }) => id === name);
      return exists || behaviour.orphanedIds === 'accept' ? name : undefined;
    }
    const session = /^arn:aws:sts::(\d{12}):assumed-role\/([^/]+)\/[^/]+$/.exec(name);
    const entity = this.find(session ? `arn:aws:iam::${session[1]}:role/${session[2]}` : name);
    if (!entity || entity.createdMs + behaviour.newPrincipalMs > this.#clock.now()) return undefined;
    return session ? name : entity.id;
  }
}

function storedElsewhere(kind: string, name: string): string | undefined {
  return kind !== 'Service' || serviceName.test(name) ? name : undefined;
}

function mapPrincipals(
  document: PolicyDocument,
  change: (kind: string, name: string) => string,
): PolicyDocument {
  const changed = (principal: Principal): Principal =>
    principal === '*'
      ? principal
      : Object.fromEntries(
          Object.entries(principal).map(([kind, names]) => {
            const next = listOf(names).map(name => change(kind, name));
            return [kind, Array.isArray(names) ? next : next[0]!];
          }),
        );
  return {
    ...document,
    Statement: document.Statement.map(
      (statement): Statement => ({
        ...statement,
        ...(statement.Principal && { Principal: changed(statement.Principal) }),
        ...(statement.NotPrincipal && { NotPrincipal: changed(statement.NotPrincipal) }),
      }),
    ),
  };
}
