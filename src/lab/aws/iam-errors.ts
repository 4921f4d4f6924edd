/** Refusals of IAM that more than one operation gives. */
import { AwsError } from './aws-error.ts';

export function missing(member: string): AwsError {
  return invalid(member, 'Member must not be null');
}

export function invalid(member: string, constraint: string): AwsError {
  return new AwsError(
    'ValidationError',
    `1 validation error detected: Value at '${member}' failed to satisfy constraint: ${constraint}`,
  );
}

export function noSuchEntity(message: string): AwsError {
  return new AwsError('NoSuchEntity', message, 404);
}

export function limitExceeded(message: string): AwsError {
  return new AwsError('LimitExceeded', message, 409);
}
