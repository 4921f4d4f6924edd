/** Who signed: what each service says to a request that is signed badly, and STS, which says who signed. */
import { createHash, createHmac } from 'node:crypto';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { GetKeyPolicyCommand, KMSClient } from '@aws-sdk/client-kms';
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { describe, expect, test } from 'vitest';
import { labAccountId, labCallerArn, labKeyArn, labKeyPolicy, labRoleArn } from '../../src/lab/aws/world.ts';
import { openAwsLab, refusalOf } from './aws-client.ts';

const minuteMs = 60_000;
const mismatch = /^The request signature we calculated does not match the signature you provided\./;
const invalidToken = 'The security token included in the request is invalid.';

type Lab = Awaited<ReturnType<typeof openAwsLab>>;
const kmsCall = ({ lab, options }: Lab, more: object) =>
  new KMSClient({ ...options, endpoint: lab.urls.kms, ...more }).send(
    new GetKeyPolicyCommand({ KeyId: labKeyArn }),
  );
const iamCall = ({ lab, options }: Lab, more: object) =>
  new IAMClient({ ...options, endpoint: lab.urls.iam, ...more }).send(
    new GetRoleCommand({ RoleName: 'atlas-cmk' }),
  );

describe.each([
  ['KMS', kmsCall, 400, 'InvalidSignatureException', 'UnrecognizedClientException'],
  ['IAM', iamCall, 403, 'SignatureDoesNotMatch', 'InvalidClientTokenId'],
] as const)('%s', (service, call, status, badSignature, badKey) => {
  test('the right key', async () => {
    await call(await openAwsLab(), {});
  });

  test('a wrong secret', async () => {
    const open = await openAwsLab();
    const credentials = { ...open.lab.credentials.aws, secretAccessKey: 'another' };
    expect(await refusalOf(call(open, { credentials }))).toEqual({
      name: badSignature,
      message: expect.stringMatching(mismatch),
      status,
    });
  });

  test.each([
    ['an unknown key', { accessKeyId: 'AKIAUNKNOWNUNKNOWN01' }],
    ['a token that belongs to no key', { sessionToken: 'token' }],
  ])('%s', async (_, more) => {
    const open = await openAwsLab();
    const credentials = { ...open.lab.credentials.aws, ...more };
    expect(await refusalOf(call(open, { credentials }))).toEqual({
      name: badKey,
      message: invalidToken,
      status,
    });
  });

  const toleranceMs = (service === 'KMS' ? 5 : 15) * minuteMs;
  test.each([
    ['behind', toleranceMs + minuteMs, /^Signature expired: \d{8}T\d{6}Z is now earlier than/],
    ['ahead', -toleranceMs - minuteMs, /^Signature not yet current: \d{8}T\d{6}Z is still later than/],
  ])('a clock that is %s: refused, and the SDK sets its own by the answer', async (_, clockAheadMs, sentence) => {
    const open = await openAwsLab({ aws: { clockAheadMs } });
    expect(await refusalOf(call(open, {}))).toEqual({
      name: badSignature,
      message: expect.stringMatching(sentence),
      status,
    });
    await call(open, { maxAttempts: 2 });
  });

  test('a clock that is off a little', async () => {
    await call(await openAwsLab({ aws: { clockAheadMs: toleranceMs - minuteMs } }), {});
  });
});

const whoAmI = 'Action=GetCallerIdentity&Version=2011-06-15';

/** Signed as AWS's guide says, with no library and none of the lab's code. */
function signed(origin: string, service: string, body: string, secret: string, accessKeyId: string) {
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const scope = `${date.slice(0, 8)}/us-east-1/${service}/aws4_request`;
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const request = `POST\n/\n\nhost:${new URL(origin).host}\nx-amz-date:${date}\n\nhost;x-amz-date\n${hash(body)}`;
  const key = scope.split('/').reduce<string | Buffer>((at, part) => hmac(at, part), `AWS4${secret}`);
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${hash(request)}`).toString('hex');
  return {
    'content-type': 'application/x-www-form-urlencoded',
    'x-amz-date': date,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`,
  };
}

async function ask(
  lab: Lab['lab'],
  change: (headers: Record<string, string>) => object = headers => headers,
  body = whoAmI,
) {
  const { accessKeyId, secretAccessKey } = lab.credentials.aws;
  const headers = signed(lab.urls.sts, 'sts', body, secretAccessKey, accessKeyId);
  const response = await fetch(lab.urls.sts, { method: 'POST', body, headers: change(headers) as any });
  return { status: response.status, text: await response.text() };
}

test('STS says who signed', async () => {
  const { lab } = await openAwsLab();
  const { status, text } = await ask(lab);
  const { id } = lab.aws.directory.find(labCallerArn)!;
  expect(status).toBe(200);
  expect(text).toContain(
    `<GetCallerIdentityResult><Arn>${labCallerArn}</Arn><UserId>${id}</UserId><Account>${labAccountId}</Account></GetCallerIdentityResult>`,
  );
});

test.each<readonly [string, (headers: Record<string, string>) => object, number, string]>([
  ['no signature', ({ authorization: _, ...rest }) => rest, 403, 'MissingAuthenticationToken'],
  [
    'half a signature',
    h => ({ ...h, authorization: h.authorization!.split(',')[0] }),
    400,
    'IncompleteSignature',
  ],
  ['no date', ({ 'x-amz-date': _, ...rest }) => rest, 400, 'IncompleteSignature'],
  ['a date of another day', h => ({ ...h, 'x-amz-date': '20200101T000000Z' }), 400, 'IncompleteSignature'],
  [
    'a signature for another service',
    h => ({ ...h, authorization: h.authorization!.replace('/sts/', '/iam/') }),
    403,
    'SignatureDoesNotMatch',
  ],
  [
    'a signature for another region',
    h => ({ ...h, authorization: h.authorization!.replace('us-east-1', 'eu-west-1') }),
    403,
    'SignatureDoesNotMatch',
  ],
])('refused: %s', async (_, change, status, code) => {
  const { lab } = await openAwsLab();
  const answer = await ask(lab, change);
  expect(answer.status).toBe(status);
  expect(answer.text).toContain(`<Type>Sender</Type><Code>${code}</Code>`);
});

test.each([
  ['a body that was changed on its way', `${whoAmI}&x=1`, whoAmI],
  ['an operation that the lab does not have', 'Action=GetSessionToken&Version=2011-06-15', undefined],
  ['another version', 'Action=GetCallerIdentity&Version=2010-05-08', undefined],
])('refused: %s', async (_, body, signedBody) => {
  const { lab } = await openAwsLab();
  const { accessKeyId, secretAccessKey } = lab.credentials.aws;
  const headers = signed(lab.urls.sts, 'sts', signedBody ?? body, secretAccessKey, accessKeyId);
  const response = await fetch(lab.urls.sts, { method: 'POST', body, headers });
  const expected = signedBody === undefined ? [400, 'InvalidAction'] : [403, 'SignatureDoesNotMatch'];
  expect([response.status, /<Code>(.*)<\/Code>/.exec(await response.text())?.[1]]).toEqual(expected);
});

const operatorRole = `arn:aws:iam::${labAccountId}:role/postern`;
const trust = (externalId?: string) => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { AWS: labCallerArn },
      Action: 'sts:AssumeRole',
      ...(externalId && { Condition: { StringEquals: { 'sts:ExternalId': externalId } } }),
    },
  ],
});
const temporary = ({ lab, options: { credentials, region } }: Lab, params: object) =>
  fromTemporaryCredentials({
    masterCredentials: credentials,
    params: { RoleArn: operatorRole, RoleSessionName: 'run-1', ...params },
    clientConfig: { endpoint: lab.urls.sts, region, maxAttempts: 1 },
  });

test('the credentials of an assumed role are its own', async () => {
  const open = await openAwsLab();
  const { iam, kms, withheld } = open.lab.aws;
  iam.addRole(operatorRole, trust());
  const credentials = temporary(open, {});
  await kmsCall(open, { credentials });
  withheld.add('kms:GetKeyPolicy');
  expect((await refusalOf(kmsCall(open, { credentials }))).message).toContain(
    `User: arn:aws:sts::${labAccountId}:assumed-role/postern/run-1 is not authorized to perform: kms:GetKeyPolicy`,
  );
  // A policy that names the role lets its sessions in.
  kms.edit(labKeyArn, policy => ({
    ...policy,
    Statement: [
      ...labKeyPolicy.Statement,
      { Effect: 'Allow', Principal: { AWS: operatorRole }, Action: 'kms:Get*', Resource: '*' },
    ],
  }));
  await kmsCall(open, { credentials });
});

test.each<readonly [string, object, object | undefined, RegExp | undefined]>([
  ['with the external id', { ExternalId: 'x1' }, trust('x1'), undefined],
  [
    'with another external id',
    { ExternalId: 'x2' },
    trust('x1'),
    /not authorized to perform: sts:AssumeRole/,
  ],
  ['without the external id', {}, trust('x1'), /not authorized to perform: sts:AssumeRole/],
  ['that is not there', {}, undefined, /not authorized to perform: sts:AssumeRole/],
  [
    'that trusts Atlas alone',
    { RoleArn: labRoleArn },
    undefined,
    /not authorized to perform: sts:AssumeRole/,
  ],
])('assuming a role %s', async (_, params, trusted, sentence) => {
  const open = await openAwsLab();
  if (trusted) open.lab.aws.iam.addRole(operatorRole, trusted);
  const call = kmsCall(open, { credentials: temporary(open, params) });
  if (!sentence) return void (await call);
  expect(await refusalOf(call)).toEqual({
    name: 'AccessDenied',
    message: expect.stringMatching(sentence),
    status: 403,
  });
});
