/** AWS's errors as a gate's: what happened, and what to do about it. */
import { TransportError } from '../../transport/errors.ts';
import { afterStrangeAnswer } from '../answer.ts';
import { GateError } from '../gate.ts';
import { AwsAnswerError, AwsError, isCredentialError, isThrottled } from './aws-error.ts';

const remedies: Readonly<Record<string, string>> = {
  NotFound: "Check the key's ARN in the config, its region and account.",
  NoSuchEntity: "Check the role's ARN in the config, and that the credentials are of its account.",
  UnrecognizedClient:
    'AWS does not know the access key: check the credential, and that it belongs to the same partition as the key.',
  InvalidClientTokenId:
    'AWS does not know the access key: check the credential, and that it belongs to the same partition as the role.',
  ExpiredToken:
    'The session of the credentials is over: sign in again, or use credentials that renew themselves.',
  SignatureDoesNotMatch: 'Check the secret access key, and the clock of this machine.',
  InvalidSignature: 'Check the secret access key, and the clock of this machine.',
  RequestExpired: 'Set the clock of this machine.',
  KMSInvalidState: 'See the state of the key: aws kms describe-key.',
  UnsupportedOperation: 'Only the policy of a customer managed key can be changed: choose such a key.',
  UnmodifiableEntity: 'AWS itself looks after this role: have Atlas assume one of your own.',
  OptInRequired: 'Check that the account uses this service, and is in good standing.',
};

const trouble = 'AWS has trouble: try again later.';

/** A GateError that says what AWS said, and which right is lacking where one is. */
export function explain(gate: string, what: string, error: unknown, remedy?: string): GateError {
  if (error instanceof GateError) return error;
  const advice = remedy ?? remedyOf(error);
  const code = error instanceof AwsError ? error.code : undefined;
  return new GateError(gate, `${what}: ${sayingOf(error)}`, {
    cause: error,
    ...(code !== undefined && { code }),
    ...(advice !== undefined && { remedy: advice }),
  });
}

/** What happened, in one sentence. */
export function sayingOf(error: unknown): string {
  if (isCredentialError(error)) return `no credentials for AWS were found (${messageOf(error)}).`;
  if (!(error instanceof AwsError)) return messageOf(error);
  const { code, status, message } = error;
  return `AWS answered ${[status, code].filter(Boolean).join(' ')}. ${message}`.trim();
}

/** What to do about an error; undefined where there is nothing to say. */
export function remedyOf(error: unknown): string | undefined {
  if (error instanceof TransportError) return error.remedy;
  if (error instanceof AwsAnswerError) return afterStrangeAnswer;
  if (!(error instanceof AwsError)) return undefined;
  const { code, status, right } = error;
  if (isCredentialError(error)) {
    return 'Check `credential` or `profile` in the config, or what the default chain finds here: environment variables, AWS_PROFILE, web identity, an instance or container role.';
  }
  if (code === 'AccessDenied') {
    return `Give the identity that Postern runs as ${right.action} on ${right.on}. If it has it, look for a Deny, a permissions boundary or a policy of the organization.`;
  }
  if (isThrottled(error)) return "AWS's rate limit is reached: try again later.";
  return remedies[code] ?? ((status ?? 0) >= 500 ? trouble : undefined);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
