/**
 * What the policies of a key and of a role decide, together, for calls of that role.
 *
 * IAM's rules (guide, "Policy evaluation logic"; KMS guide, "Default key policy"): an explicit Deny wins.
 * Within one account the key policy or the role's policies must allow, and the role's count only where the
 * key policy leaves the decision to the account. Across accounts both must. A permissions boundary must allow
 * too. What is not known never counts as allowed.
 *
 * Not looked at, because a member of an organization cannot read them: service control policies, resource
 * control policies, and the policies of a session.
 */
import { type Call, matchPrincipal, type RolePrincipal, speaksOf } from './evaluate-statement.ts';
import type { PolicyDocument, Statement } from './policy-document.ts';
import { all, any, not, or, type Truth } from './truth.ts';

export interface NamedPolicy {
  /** In words: `the key policy`, `inline policy "x"`, `attached policy arn:…`. */
  readonly name: string;
  readonly document: PolicyDocument;
}

export interface Policies {
  /** Undefined: could not be read. */
  readonly key: NamedPolicy | undefined;
  /** The role's own, inline and attached, those that could be read. */
  readonly role: readonly NamedPolicy[];
  /** Whether `role` is all of them. */
  readonly roleIsComplete: boolean;
  /** The permissions boundary: none, one, or one that could not be read. */
  readonly boundary: NamedPolicy | 'none' | 'unread';
}

export const accesses = ['allowed', 'denied', 'unknown'] as const;
export type Access = (typeof accesses)[number];

/** What one call meets. Pure. */
export function accessOf(policies: Policies, call: Call, keyAccount: string): Access {
  const answer = all(allows(policies, call, keyAccount), not(denies(policies, call)));
  if (answer === 'unknown') return 'unknown';
  return answer === 'yes' ? 'allowed' : 'denied';
}

/** Whether a Deny hits the call: for the whole of an account, it hits each of its roles. Pure. */
export function denies(policies: Policies, call: Call): Truth {
  const { key, role, roleIsComplete, boundary } = policies;
  const named = [...role, ...(typeof boundary === 'string' ? [] : [boundary])];
  return any(
    key
      ? or(of(key, 'Deny'), statement => all(covers(statement, call.role), speaksOf(statement, call)))
      : 'unknown',
    or(named, policy => or(of(policy, 'Deny'), statement => speaksOf(statement, call))),
    roleIsComplete && boundary !== 'unread' ? 'no' : 'unknown',
  );
}

function allows(policies: Policies, call: Call, keyAccount: string): Truth {
  const { key, role, roleIsComplete, boundary } = policies;
  const byKey = (how: 'itself' | 'account') =>
    key
      ? or(of(key, 'Allow'), statement =>
          all(matchPrincipal(statement, call.role)[how], speaksOf(statement, call)),
        )
      : 'unknown';
  const byRole = any(
    or(role, policy => or(of(policy, 'Allow'), statement => speaksOf(statement, call))),
    roleIsComplete ? 'no' : 'unknown',
  );
  const within =
    call.role.account === keyAccount
      ? any(byKey('itself'), all(byKey('account'), byRole))
      : all(any(byKey('itself'), byKey('account')), byRole);
  if (boundary === 'none') return within;
  if (boundary === 'unread') return all(within, 'unknown');
  return all(
    within,
    or(of(boundary, 'Allow'), statement => speaksOf(statement, call)),
  );
}

function covers(statement: Statement, role: RolePrincipal): Truth {
  const { itself, account } = matchPrincipal(statement, role);
  return any(itself, account);
}

/** The statements of one effect, and those whose effect is not known. */
function of({ document }: NamedPolicy, effect: 'Allow' | 'Deny'): readonly Statement[] {
  return document.statements.filter(statement => (statement.effect ?? effect) === effect);
}

/** The statements that certainly allow a call: each in words, for a person to find it. Pure. */
export function allowingStatements(policies: Policies, call: Call): readonly string[] {
  const { key, role } = policies;
  const fromKey = key
    ? named(key, statement => all(matchPrincipal(statement, call.role).itself, speaksOf(statement, call)))
    : [];
  return [...fromKey, ...role.flatMap(policy => named(policy, statement => speaksOf(statement, call)))];
}

function named(policy: NamedPolicy, test: (statement: Statement) => Truth): readonly string[] {
  return policy.document.statements.flatMap((statement, at) =>
    statement.effect === 'Allow' && test(statement) === 'yes' ? [nameOf(policy, statement, at)] : [],
  );
}

/** Such as `statement "AllowAtlas" of the key policy`, or `statement 2 of inline policy "x"`. */
export function nameOf({ name }: Pick<NamedPolicy, 'name'>, { sid }: Statement, at: number): string {
  return `statement ${sid === undefined ? at + 1 : JSON.stringify(sid)} of ${name}`;
}
