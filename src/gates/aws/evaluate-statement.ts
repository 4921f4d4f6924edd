/** Whether one statement speaks of one call. Pure. */
import { parseArn, wholeAccount } from './arn.ts';
import { type CallContext, evaluateCondition } from './evaluate-condition.ts';
import type { Patterns, Statement } from './policy-document.ts';
import { all, and, not, or, type Truth, truthOf } from './truth.ts';
import { actionFits, arnFits } from './wildcards.ts';

/** The role whose calls are judged, as a principal of policies. */
export interface RolePrincipal {
  readonly arn: string;
  readonly account: string;
  /** `AROA…`; undefined where it could not be read. */
  readonly uniqueId: string | undefined;
}

export interface Call extends CallContext {
  /** Such as `kms:Decrypt`. */
  readonly action: string;
  /** The key's ARN. */
  readonly resource: string;
  readonly role: RolePrincipal;
}

/**
 * How a principal of a key policy covers a role: itself, or by its whole account, which in an Allow only
 * leaves the decision to the account's IAM policies (KMS guide, "Default key policy").
 */
export interface PrincipalMatch {
  readonly itself: Truth;
  readonly account: Truth;
}

/** Whether everything but the principal fits. A statement of a key policy without Resource has no effect. */
export function speaksOf(statement: Statement, call: Call): Truth {
  const { actions, resources, conditions, puzzles } = statement;
  // A part that is lacking fits nothing; where some part could not be read, it may be this one.
  const lacking: Truth = puzzles.length > 0 ? 'unknown' : 'no';
  return all(
    puzzles.length > 0 ? 'unknown' : 'yes',
    matches(actions, lacking, action => actionFits(action, call.action)),
    matches(resources, lacking, resource => arnFits(resource, call.resource)),
    and(conditions, test => evaluateCondition(test, call)),
  );
}

function matches(patterns: Patterns | undefined, lacking: Truth, one: (value: string) => Truth): Truth {
  if (!patterns) return lacking;
  const truth = or(patterns.values, one);
  return patterns.not ? not(truth) : truth;
}

/** Whom a statement of a key policy names. */
export function matchPrincipal({ principals, puzzles }: Statement, role: RolePrincipal): PrincipalMatch {
  if (!principals) return puzzles.length > 0 ? { itself: 'unknown', account: 'unknown' } : nobody;
  const itself = or(principals.values, name => isRole(name, role));
  const account = or(principals.values, name => isAccountOf(name, role));
  if (!principals.not) return { itself, account };
  // NotPrincipal that names the role, its sessions or its account has rules of its own.
  if (principals.values.includes('AWS:*')) return nobody;
  const namesNone = itself === 'no' && account === 'no';
  return { itself: namesNone ? 'yes' : 'unknown', account: 'no' };
}

const nobody: PrincipalMatch = { itself: 'no', account: 'no' };

function isRole(principal: string, role: RolePrincipal): Truth {
  const [, type, name = ''] = /^([^:]*):(.*)$/s.exec(principal) ?? [];
  // Services and users of other identity providers are others than the sessions of a role.
  if (type !== 'AWS')
    return type === 'Service' || type === 'Federated' || type === 'CanonicalUser' ? 'no' : 'unknown';
  if (name === '*' || name === role.arn) return 'yes';
  if (/^A[A-Z]{3}[A-Z0-9]+$/.test(name))
    return role.uniqueId === undefined ? 'unknown' : truthOf(name === role.uniqueId);
  if (wholeAccount(name) !== undefined) return 'no';
  const arn = parseArn(name);
  // One session of the role: whether Atlas calls itself so is not known.
  if (arn?.service === 'sts' && arn.account === role.account) {
    const roleName = role.arn.slice(role.arn.lastIndexOf('/') + 1);
    return arn.resource.startsWith(`assumed-role/${roleName}/`) ? 'unknown' : 'no';
  }
  if (!arn || name.includes('*') || name.includes('?')) return 'unknown';
  // Names of roles are unique without regard to case; which way AWS compares them here is not documented.
  return name.toLowerCase() === role.arn.toLowerCase() ? 'unknown' : 'no';
}

function isAccountOf(principal: string, { account }: RolePrincipal): Truth {
  return truthOf(principal.startsWith('AWS:') && wholeAccount(principal.slice(4)) === account);
}
