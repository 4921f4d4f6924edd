/**
 * Whether Postern may write, found out without writing. IAM's simulator judges the own policies of the user or role
 * that Postern signs as (its permissions boundary and the organization's policies too). It does not take a key's
 * policy for roles (IAM API reference, SimulatePrincipalPolicy), so that part is judged here, for users as well. What
 * nobody looks at, such as the policies of a session, is said with each finding.
 */

import { parseCidr } from '../../address/cidr.ts';
import type { Finding } from '../../finding.ts';
import { accessOf, type NamedPolicy } from './access.ts';
import { parseArn } from './arn.ts';
import { isAccessDenied } from './aws-error.ts';
import { identityOf } from './caller.ts';
import type { DiagnosisOptions } from './diagnose.ts';
import { sayingOf } from './errors.ts';
import type { Call } from './evaluate-statement.ts';
import type { Simulation } from './iam-client.ts';
import { parsePolicy } from './policy-document.ts';

/** Of an aws-role-policy gate. Does not throw. */
export async function roleWriteFindings({ iam, roleArn }: DiagnosisOptions): Promise<readonly Finding[]> {
  const right = { action: 'iam:PutRolePolicy', on: roleArn };
  return await findOut(right, async () => {
    const principal = await principalOf(iam);
    // The right may be given for roles with a boundary only: as `postern permissions` prints it.
    const role = await iam.role().catch(() => undefined);
    const boundary = role?.PermissionsBoundary?.PermissionsBoundaryArn;
    const context = boundary ? { [boundaryKey]: boundary } : {};
    const simulated = await iam.simulate({ principal, ...right, context });
    const asksForBoundary = simulated.missing.some(isBoundaryKey);
    if (simulated.decision === 'implicitDeny' && role && asksForBoundary) {
      return [lacking(right, principal, `it asks for a permissions boundary, and the role has none`)];
    }
    return verdictOf(right, principal, simulated);
  });
}

/** Of an aws-key-policy gate. Does not throw. */
export async function keyWriteFindings({ iam, kms, keyArn }: DiagnosisOptions): Promise<readonly Finding[]> {
  const right = { action: 'kms:PutKeyPolicy', on: keyArn };
  return await findOut(right, async () => {
    const principal = await principalOf(iam);
    const document = parsePolicy(await kms.getPolicy());
    const says = keyPolicyOn(right.action, { principal, keyArn, key: { name: 'the key policy', document } });
    if (says === 'refuses') {
      return [lacking(right, principal, "the key's policy neither allows it nor leaves it to IAM")];
    }
    if (says === 'unknown') {
      return [notTested(right, "the key's policy has something that Postern does not evaluate.", principal)];
    }
    const context = { 'kms:BypassPolicyLockoutSafetyCheck': 'false' };
    const simulated = await iam.simulate({ principal, ...right, context });
    // Named by the key's policy itself, it needs no policy of its own.
    const isNamed = says === 'allows' && simulated.decision === 'implicitDeny';
    return isNamed ? [tested(right, principal)] : verdictOf(right, principal, simulated);
  });
}

interface Right {
  readonly action: string;
  readonly on: string;
}

const boundaryKey = 'iam:PermissionsBoundary';
const isBoundaryKey = (key: string) => key.toLowerCase() === boundaryKey.toLowerCase();

class Untestable extends Error {
  override readonly name = 'Untestable';
}

async function findOut(right: Right, ask: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await ask();
  } catch (error) {
    const because = error instanceof Untestable ? error.message : sayingOf(error);
    return [notTested(right, because, undefined, isAccessDenied(error))];
  }
}

/** The user or the role whose policies decide. */
async function principalOf(iam: DiagnosisOptions['iam']): Promise<string> {
  const identity = identityOf(await iam.callerArn());
  if (identity.kind === 'user') return identity.arn;
  if (identity.kind === 'other')
    throw new Untestable(`Postern runs as ${identity.arn}, which IAM's simulator does not take.`);
  const { account, partition } = parseArn(identity.arn)!;
  const withoutPath = `arn:${partition}:iam::${account}:role/${identity.roleName}`;
  return await iam.roleArnOf(identity.roleName).catch(() => withoutPath);
}

function verdictOf(right: Right, principal: string, { decision, missing }: Simulation): readonly Finding[] {
  if (decision === 'allowed') return [tested(right, principal)];
  if (missing.length > 0) {
    const keys = missing.join(', ');
    return [notTested(right, `its own policies ask for ${keys}, which only a real call has.`, principal)];
  }
  return [lacking(right, principal, `IAM's simulator says ${decision}`)];
}

/** A key's own policy, beside whatever the principal's own policies allow. */
function keyPolicyOn(
  action: string,
  { principal, keyArn, key }: { principal: string; keyArn: string; key: NamedPolicy },
): 'allows' | 'leaves-it-to-iam' | 'refuses' | 'unknown' {
  const { account = '', region = '' } = parseArn(keyArn) ?? {};
  const own = parseArn(principal)?.account ?? '';
  // PutKeyPolicy does not work across accounts (KMS API reference).
  if (own !== account) return 'refuses';
  const call: Call = {
    action,
    resource: keyArn,
    role: { arn: principal, account: own, uniqueId: undefined },
    // From where Postern calls is not known: a condition on it decides nothing for certain.
    source: anywhere,
    keys: new Map<string, string | null>([
      ['aws:principalarn', principal],
      ['aws:principalaccount', own],
      ['aws:resourceaccount', account],
      ['aws:requestedregion', region],
      ['aws:securetransport', 'true'],
      ['aws:viaawsservice', 'false'],
      ['kms:calleraccount', own],
      ['kms:viaservice', null],
      ['kms:bypasspolicylockoutsafetycheck', 'false'],
    ]),
  };
  const withOwn = (role: readonly NamedPolicy[]) =>
    accessOf({ key, role, roleIsComplete: true, boundary: 'none' }, call, account);
  const best = withOwn([everything]);
  if (best !== 'allowed') return best === 'denied' ? 'refuses' : 'unknown';
  return withOwn([]) === 'allowed' ? 'allows' : 'leaves-it-to-iam';
}

const anywhere = parseCidr('0.0.0.0/0');
const everything: NamedPolicy = {
  name: 'all rights',
  document: parsePolicy('{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'),
};

function tested({ action, on }: Right, principal: string): Finding {
  return {
    id: 'right-simulated',
    severity: 'info',
    message: `${principal} may call ${action} on ${on}, by IAM's simulator${action.startsWith('kms:') ? " and the key's policy" : ''}. Not looked at: policies of its session, and resource control policies.`,
  };
}

function lacking({ action, on }: Right, principal: string, why: string): Finding {
  return {
    id: 'right-lacking',
    severity: 'error',
    message: `${principal} may not call ${action} on ${on} (${why}): Postern could not write the list.`,
    remedy: `Allow it ${action} on ${on}: see postern permissions.`,
  };
}

function notTested({ action, on }: Right, because: string, principal?: string, isDenied = false): Finding {
  return {
    id: 'right-not-tested',
    severity: 'info',
    message: `Whether ${principal ?? 'Postern'} may call ${action} on ${on} could not be tested without writing: ${because}`,
    remedy: isDenied
      ? 'To have it tested, allow the identity that Postern runs as iam:SimulatePrincipalPolicy on itself. Otherwise the first apply shows it.'
      : 'The first apply shows it.',
  };
}
