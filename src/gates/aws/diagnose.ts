/**
 * What doctor asks of AWS: which rights are there, tried by using them, and who may use the key past all
 * policies. Nothing here writes. What cannot be found out is a finding.
 */
import type { Finding } from '../../finding.ts';
import { type AwsError, isAccessDenied } from './aws-error.ts';
import { remedyOf, sayingOf } from './errors.ts';
import type { IamClient } from './iam-client.ts';
import type { Grant, KmsClient } from './kms-client.ts';
import { keyWriteFindings, roleWriteFindings } from './write-right.ts';

export interface DiagnosisOptions {
  readonly iam: IamClient;
  readonly kms: KmsClient;
  readonly roleArn: string;
  readonly keyArn: string;
}

/** What is asked, what it is for, and whether the gate works at all without. */
interface Trial {
  readonly isNeeded: boolean;
  readonly purpose: string;
  run(): Promise<unknown>;
}

/** Of an aws-role-policy gate. Does not throw. */
export async function diagnoseRole(options: DiagnosisOptions & { readonly policyName: string }) {
  const { iam, kms, policyName } = options;
  const trials: readonly Trial[] = [
    needed('to know that the credentials lead to the right role', () => iam.role()),
    needed('to read the list', () => iam.inlinePolicy(policyName)),
    ...sideLooks(options),
    wished("to know what the key's policy makes of the role", () => kms.getPolicy()),
  ];
  return [
    ...(await tryAll(trials)),
    ...(await grantFindings(options)),
    ...(await roleWriteFindings(options)),
  ];
}

/** Of an aws-key-policy gate. Does not throw. */
export async function diagnoseKey(options: DiagnosisOptions): Promise<readonly Finding[]> {
  const { iam, kms } = options;
  const trials: readonly Trial[] = [
    needed('to read the list', () => kms.getPolicy()),
    wished('to know how the role is spelt, and what its policies allow', () => iam.role()),
    ...sideLooks(options),
  ];
  return [...(await tryAll(trials)), ...(await keyWriteFindings(options))];
}

const needed = (purpose: string, run: Trial['run']): Trial => ({ isNeeded: true, purpose, run });
const wished = (purpose: string, run: Trial['run']): Trial => ({ isNeeded: false, purpose, run });

function sideLooks({ iam, kms }: DiagnosisOptions): readonly Trial[] {
  return [
    wished("to see the role's other inline policies, and what they take of the limit", () =>
      iam.inlinePolicyNames(),
    ),
    wished('to see what lets calls past the list', async () => {
      for (const arn of await iam.attachedPolicyArns()) await iam.managedPolicy(arn);
    }),
    wished('to see whether the key is enabled, and has replicas', () => kms.describe()),
  ];
}

async function tryAll(trials: readonly Trial[]): Promise<readonly Finding[]> {
  const outcomes = await Promise.all(
    trials.map(trial =>
      trial.run().then(
        () => [],
        error => [failure(trial, error)],
      ),
    ),
  );
  return outcomes.flat();
}

function failure({ isNeeded, purpose }: Trial, error: unknown): Finding {
  const isLacking = isAccessDenied(error);
  const remedy = remedyOf(error);
  return {
    id: isLacking ? 'right-lacking' : 'right-not-tested',
    severity: isNeeded ? 'error' : 'warning',
    message: isLacking
      ? `The right ${(error as AwsError).right.action} on ${(error as AwsError).right.on} is lacking: it is needed ${purpose}.`
      : `A right that is needed ${purpose} could not be tested: ${sayingOf(error)}`,
    ...(remedy !== undefined && { remedy }),
  };
}

/** Grants allow besides all policies, and know no addresses; only a Deny of the key policy stops them. */
async function grantFindings({ kms, roleArn }: DiagnosisOptions): Promise<readonly Finding[]> {
  const trial = wished('to see grants, which let the role past the list', () => kms.grants());
  try {
    const grants = (await kms.grants()).filter(grant => isBypass(grant, roleArn));
    return grants.map(({ GrantId, Operations }) => ({
      id: 'bypass-by-grant',
      severity: 'error' as const,
      message: `The grant ${GrantId ?? '(no id)'} lets the role call ${(Operations ?? []).filter(isAtlasOperation).join(', ')} from any address, past the list.`,
      remedy:
        'Revoke it (aws kms revoke-grant) once the list lets Atlas in, or add an aws-key-policy gate, whose Deny stops grants too.',
    }));
  } catch (error) {
    return [failure(trial, error)];
  }
}

function isBypass({ GranteePrincipal, Operations }: Grant, roleArn: string): boolean {
  return GranteePrincipal === roleArn && (Operations ?? []).some(isAtlasOperation);
}

const isAtlasOperation = (operation: string) => ['Encrypt', 'Decrypt', 'DescribeKey'].includes(operation);
