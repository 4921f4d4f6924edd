/** A judge of one role's calls with one key: asks the policies about whole address blocks. */
import { AddressSet } from '../../address/address-set.ts';
import { type Cidr, parseCidr, prefixLengthOf } from '../../address/cidr.ts';
import { type Access, accessOf, allowingStatements, type Policies } from './access.ts';
import { parseArn } from './arn.ts';
import { atomsOf } from './atoms.ts';
import type { Call, RolePrincipal } from './evaluate-statement.ts';

/** What Atlas does with a key, and nothing else (Atlas docs, "Manage Customer Keys with AWS KMS"). */
export const atlasActions = ['kms:Encrypt', 'kms:Decrypt', 'kms:DescribeKey'] as const;
export type AtlasAction = (typeof atlasActions)[number];

/** `mixed`: some addresses of the block are allowed and some are not. */
export type BlockAccess = Access | 'mixed';

export interface Situation {
  /** The key's ARN. */
  readonly key: string;
  readonly role: RolePrincipal;
  readonly policies: Policies;
}

/** Every address of the internet, as far as Atlas calls from it. */
const wholes = { 4: parseCidr('0.0.0.0/0'), 6: parseCidr('::/0') } as const;

export class Judge {
  readonly #situation: Situation;
  readonly #keyAccount: string;
  readonly #cuts: readonly Cidr[];
  readonly #keys: Call['keys'];
  #ofAll: Access | undefined;

  constructor(situation: Situation) {
    this.#situation = situation;
    this.#keyAccount = parseArn(situation.key)?.account ?? '';
    this.#cuts = cutsOf(situation.policies);
    this.#keys = knownKeys(situation, this.#keyAccount);
  }

  /** Whether Atlas can use the key from every address of the block: all three actions, or one of them. Pure. */
  of(block: Cidr, actions: readonly AtlasAction[] = atlasActions): BlockAccess {
    // A single address is in one piece, and most are single.
    if (prefixLengthOf(block) === (block.includes(':') ? 128 : 32)) return this.#ofPiece(block, actions);
    let all: BlockAccess | undefined;
    for (const { sample } of atomsOf(block, this.#cuts)) {
      const access = this.#ofPiece(sample, actions);
      if (all !== undefined && access !== all)
        return all === 'unknown' || access === 'unknown' ? 'unknown' : 'mixed';
      all = access;
    }
    return all ?? 'unknown';
  }

  /** What becomes of calls from any IPv4 address. */
  ofEveryone(actions: readonly AtlasAction[] = atlasActions): BlockAccess {
    return this.of(wholes[4], actions);
  }

  /** Every address from which Atlas certainly can use the key. */
  allowed(actions: readonly AtlasAction[] = atlasActions): AddressSet {
    let allowed = AddressSet.empty;
    for (const whole of Object.values(wholes)) {
      for (const { set, sample } of atomsOf(whole, this.#cuts)) {
        if (this.#ofPiece(sample, actions) === 'allowed') allowed = allowed.union(set);
      }
    }
    return allowed;
  }

  /** The statements that let calls from an address in, in words. */
  because(block: Cidr, action: AtlasAction): readonly string[] {
    return allowingStatements(this.#situation.policies, this.#call(block, action));
  }

  #ofPiece(source: Cidr, actions: readonly AtlasAction[]): Access {
    // Where no policy speaks of addresses, it says the same of them all.
    if (this.#cuts.length > 0 || actions !== atlasActions) return this.#find(source, actions);
    this.#ofAll ??= this.#find(source, actions);
    return this.#ofAll;
  }

  #find(source: Cidr, actions: readonly AtlasAction[]): Access {
    let worst: Access = 'allowed';
    for (const action of actions) {
      const access = accessOf(this.#situation.policies, this.#call(source, action), this.#keyAccount);
      if (access === 'denied') return 'denied';
      if (access === 'unknown') worst = 'unknown';
    }
    return worst;
  }

  #call(source: Cidr, action: AtlasAction): Call {
    const { role, key } = this.#situation;
    return { action, resource: key, role, source, keys: this.#keys };
  }
}

/**
 * What is certain of a call that Atlas makes from the internet: by a session of the role, over TLS, straight
 * to KMS and through no other service (IAM guide, "Global condition context keys"; KMS guide, "Condition
 * keys"). Null: the call lacks the key.
 */
function knownKeys({ role, key }: Situation, keyAccount: string): Call['keys'] {
  return new Map([
    ['aws:principalarn', role.arn],
    ['aws:principalaccount', role.account],
    ['aws:principaltype', 'AssumedRole'],
    ['aws:principalisawsservice', 'false'],
    ['aws:resourceaccount', keyAccount],
    ['aws:requestedregion', parseArn(key)?.region ?? null],
    ['aws:securetransport', 'true'],
    ['aws:viaawsservice', 'false'],
    ['aws:calledvia', null],
    ['aws:calledviafirst', null],
    ['aws:calledvialast', null],
    ['aws:sourcevpc', null],
    ['aws:sourcevpce', null],
    ['aws:vpcsourceip', null],
    ['aws:sourcearn', null],
    ['aws:sourceaccount', null],
    ['aws:username', null],
    ['kms:calleraccount', role.account],
    ['kms:viaservice', null],
    ['kms:grantisforawsresource', null],
    ['kms:granteeprincipal', null],
  ]);
}

function cutsOf({ key, role, boundary }: Policies): readonly Cidr[] {
  const all = [...role, ...(key ? [key] : []), ...(typeof boundary === 'string' ? [] : [boundary])];
  return all.flatMap(({ document }) =>
    document.statements.flatMap(({ conditions }) => conditions.flatMap(({ blocks }) => blocks?.cidrs ?? [])),
  );
}
