/**
 * What a gate reads around its list to know what the list is worth: the other policies of the role, the key's
 * policy, and the key itself. None of it is ever written. What cannot be read is a finding and makes the
 * judgement unknown; it never stops the gate, since an urgent addition must not wait for a side look.
 */
import type { Finding } from '../../finding.ts';
import { GateError } from '../gate.ts';
import type { NamedPolicy, Policies } from './access.ts';
import { parseArn } from './arn.ts';
import { explain, remedyOf, sayingOf } from './errors.ts';
import type { RolePrincipal } from './evaluate-statement.ts';
import type { IamClient, Role } from './iam-client.ts';
import { PolicyError, parsePolicy } from './policy-document.ts';

export interface RolePolicies {
  readonly policies: readonly NamedPolicy[];
  readonly isComplete: boolean;
  readonly boundary: Policies['boundary'];
  /** Of the inline policies, without white space, as IAM counts them; undefined where not all could be read. */
  readonly inlineCharacters: number;
  readonly findings: readonly Finding[];
}

export const unreadRolePolicies: Omit<RolePolicies, 'findings'> = {
  policies: [],
  isComplete: false,
  boundary: 'unread',
  inlineCharacters: 0,
};

/**
 * The role, after a look whether it is the one of the config: IAM's API takes a name and looks in the account
 * of the credentials, so another account's role of the same name would answer. Throws a GateError.
 */
export async function readRole(iam: IamClient, roleArn: string, gate: string): Promise<Role> {
  let role: Role;
  try {
    role = await iam.role();
  } catch (error) {
    throw explain(gate, `The role ${roleArn} cannot be read`, error);
  }
  if (role.Arn === roleArn) return role;
  throw new WrongRoleError(gate, roleArn, role.Arn);
}

/** The credentials lead to a role of the same name that is not the one of the config. */
export class WrongRoleError extends GateError {
  /** The same account: so the config spells the role wrong, and conditions that name it would never match. */
  readonly isMisspelt: boolean;

  constructor(gate: string, expected: string, found: string) {
    const isMisspelt = parseArn(expected)?.account === parseArn(found)?.account;
    super(gate, `The config names the role ${expected}, and the credentials lead to ${found}.`, {
      remedy: isMisspelt
        ? 'Write the ARN in the config exactly as AWS has it, with its path: conditions compare it letter by letter.'
        : "Use credentials of the role's own account.",
    });
    this.isMisspelt = isMisspelt;
  }
}

/** The role as a principal of policies. */
export function principalOf(roleArn: string, role: Role | undefined): RolePrincipal {
  return { arn: roleArn, account: parseArn(roleArn)?.account ?? '', uniqueId: role?.RoleId ?? undefined };
}

/** Every policy of the role but one, which is the gate's own. Does not throw. */
export async function readRolePolicies(iam: IamClient, role: Role, own?: string): Promise<RolePolicies> {
  const findings: Finding[] = [];
  const attempt = async <Value>(what: string, read: () => Promise<Value>): Promise<Value | undefined> => {
    try {
      return await read();
    } catch (error) {
      findings.push(notRead(what, error));
      return undefined;
    }
  };
  const inline = async (name: string): Promise<NamedPolicy | undefined> => {
    const text = await iam.inlinePolicy(name);
    return text === undefined ? undefined : { name: `inline policy "${name}"`, document: parsePolicy(text) };
  };
  const managed = async (arn: string): Promise<NamedPolicy> => ({
    name: `attached policy ${arn}`,
    document: parsePolicy(await iam.managedPolicy(arn)),
  });

  const boundaryArn = role.PermissionsBoundary?.PermissionsBoundaryArn ?? undefined;
  const [names, arns, boundary] = await Promise.all([
    attempt("The names of the role's inline policies", () => iam.inlinePolicyNames()),
    attempt("The list of the role's attached policies", () => iam.attachedPolicyArns()),
    boundaryArn === undefined
      ? ('none' as const)
      : attempt(`The role's permissions boundary ${boundaryArn}`, async () => ({
          ...(await managed(boundaryArn)),
          name: `the permissions boundary ${boundaryArn}`,
        })),
  ]);
  const others = (names ?? []).filter(name => name !== own);
  const [inlines, attached] = await Promise.all([
    Promise.all(others.map(name => attempt(`The role's inline policy "${name}"`, () => inline(name)))),
    Promise.all((arns ?? []).map(arn => attempt(`The role's attached policy ${arn}`, () => managed(arn)))),
  ]);
  const policies = [...inlines, ...attached].filter(policy => policy !== undefined);
  return {
    policies,
    isComplete: findings.length === 0,
    boundary: boundary ?? 'unread',
    inlineCharacters: inlines.reduce((sum, policy) => sum + (policy ? charactersOf(policy) : 0), 0),
    findings,
  };
}

function charactersOf({ document }: NamedPolicy): number {
  return countCharacters(JSON.stringify(document.raw));
}

/** "IAM doesn't count white space" (IAM quotas). Pure. */
export function countCharacters(text: string): number {
  return text.replaceAll(/\s/g, '').length;
}

/** The policy of a key that is not the gate's list, or undefined and a finding. Does not throw. */
export async function readKeyPolicy(
  getPolicy: () => Promise<string>,
): Promise<{ readonly policy: NamedPolicy | undefined; readonly findings: readonly Finding[] }> {
  try {
    return { policy: { name: 'the key policy', document: parsePolicy(await getPolicy()) }, findings: [] };
  } catch (error) {
    return { policy: undefined, findings: [notRead("The key's policy", error)] };
  }
}

/** Something beside the list could not be read, so what the list is worth is not known. */
export function notRead(what: string, error: unknown): Finding {
  const remedy = error instanceof PolicyError ? undefined : remedyOf(error);
  return {
    id: 'policy-not-read',
    severity: 'warning',
    message: `${what} cannot be read, so whether it lets calls in or shuts them out is not known: ${sayingOf(error)}`,
    ...(remedy !== undefined && { remedy }),
  };
}
