/** Amazon Resource Names, as far as roles and keys need them. */

/** The six parts of `arn:partition:service:region:account:resource`. */
export interface Arn {
  readonly partition: string;
  readonly service: string;
  readonly region: string;
  readonly account: string;
  readonly resource: string;
  /** As it was given. */
  readonly text: string;
}

/** Undefined when the text has no six parts. A resource may hold further colons. */
export function parseArn(text: string): Arn | undefined {
  const [head, partition, service, region, account, ...rest] = text.split(':');
  if (head !== 'arn' || !partition || !service || rest.length === 0) return undefined;
  return { partition, service, region: region!, account: account!, resource: rest.join(':'), text };
}

/** Throws an Error when the text is no ARN of an IAM role. The name is what IAM's API takes, without its path. */
export function parseRoleArn(text: string): Arn & { readonly roleName: string } {
  const arn = parseArn(text);
  if (arn?.service !== 'iam' || !arn.resource.startsWith('role/')) {
    throw new Error(
      `${JSON.stringify(text)} is not the ARN of a role: arn:aws:iam::ACCOUNT:role/NAME was expected.`,
    );
  }
  return { ...arn, roleName: arn.resource.slice(arn.resource.lastIndexOf('/') + 1) };
}

/** Throws an Error when the text is no ARN of a KMS key. */
export function parseKeyArn(text: string): Arn & { readonly keyId: string } {
  const arn = parseArn(text);
  if (arn?.service !== 'kms' || !arn.resource.startsWith('key/')) {
    throw new Error(
      `${JSON.stringify(text)} is not the ARN of a key: arn:aws:kms:REGION:ACCOUNT:key/ID was expected.`,
    );
  }
  return { ...arn, keyId: arn.resource.slice('key/'.length) };
}

/**
 * The account that a principal stands for as a whole: `111122223333` and `arn:aws:iam::111122223333:root` mean
 * the same (IAM guide, "Principal", AWS account principals). Undefined for any other principal.
 */
export function wholeAccount(principal: string): string | undefined {
  if (/^\d{12}$/.test(principal)) return principal;
  return /^arn:aws[a-z-]*:iam::(\d{12}):root$/.exec(principal)?.[1];
}

/**
 * What AWS shows in the place of a principal that is gone: the unique id of a role (AROA…), a user (AIDA…) or
 * others (IAM guide, "Principal"). A new role of the same name is another one.
 */
export function isUniqueId(principal: string): boolean {
  return /^A[A-Z]{3}[A-Z0-9]{12,}$/.test(principal);
}
