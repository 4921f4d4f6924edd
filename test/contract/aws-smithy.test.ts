/** What AWS's SDK sends and what the lab answers, judged by AWS's own Smithy models of KMS and IAM. */
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import * as IAM from '@aws-sdk/client-iam';
import * as KMS from '@aws-sdk/client-kms';
import { expect, test } from 'vitest';
import { labAccountId, labKeyArn, labKeyPolicy, labRoleArn } from '../../src/lab/aws/world.ts';
import { refusals } from '../../src/lab/index.ts';
import { type OpenAwsLab, openAwsLab } from '../lab/aws-client.ts';
import { faultsOf, meaningOf, type SmithyModel, shapeOf, treeOfForm, treeOfXml } from './smithy.ts';
import { describeContract, vendorPath } from './vendor.ts';

interface Exchange {
  readonly operation: string;
  readonly sent: any;
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

type Act = (open: OpenAwsLab) => Promise<unknown>;

/** What passes between the SDK and the lab while `act` runs. */
async function exchanges(act: Act): Promise<readonly Exchange[]> {
  const open = await openAwsLab();
  const seen: Exchange[] = [];
  for (const { config } of [open.kms, open.iam]) {
    const inner: any = config.requestHandler;
    const handle = async (request: any, options: unknown) => {
      const { response } = await inner.handle(request, options);
      const bytes = Buffer.concat(await response.body.toArray());
      const isForm = request.headers['content-type'] === 'application/x-www-form-urlencoded';
      const body = isForm ? request.body : new TextDecoder().decode(request.body);
      const form = new URLSearchParams(body);
      const operation = isForm ? form.get('Action')! : request.headers['x-amz-target'].split('.')[1];
      for (const name of ['Action', 'Version']) form.delete(name);
      seen.push({
        operation,
        sent: isForm ? treeOfForm(form) : JSON.parse(body),
        status: response.statusCode,
        contentType: response.headers['content-type'],
        text: bytes.toString(),
      });
      return { response: Object.assign(response, { body: Readable.from([bytes]) }) };
    };
    (config as any).requestHandler = { ...inner, handle, destroy: () => inner.destroy() };
  }
  await act(open).catch(error => {
    if (!error.$metadata) throw error;
  });
  expect(seen.length).toBeGreaterThan(0);
  return seen;
}

const readModel = (file: string): SmithyModel => JSON.parse(readFileSync(vendorPath(file), 'utf8'));
const errorsOf = (model: SmithyModel, operation: any): readonly any[] =>
  (operation.errors ?? []).map(({ target }: any) => ({ target, ...shapeOf(model, target) }));

const kmsFile = 'aws-kms-2014-11-01.smithy.json';
describeContract("KMS's Smithy model", kmsFile, () => {
  const namespace = 'com.amazonaws.kms';
  let model: SmithyModel;
  const operationOf = (name: string) => {
    model ??= readModel(kmsFile);
    return shapeOf(model, `${namespace}#${name}`);
  };

  const requestFaults = ({ operation, sent }: Exchange) => {
    const { input } = operationOf(operation);
    return faultsOf(model, input.target, sent);
  };
  /** As every recorded error has it, KMS's JSON answers what is the client's fault with 400. */
  const answerFaults = ({ operation, status, text }: Exchange) => {
    const described = operationOf(operation);
    if (status === 200) {
      const unit = described.output.target === 'smithy.api#Unit';
      return unit
        ? text === ''
          ? []
          : ['a body where none is']
        : faultsOf(model, described.output.target, JSON.parse(text));
    }
    const { __type, ...members } = JSON.parse(text);
    const error = errorsOf(model, described).find(({ target }) => target === `${namespace}#${__type}`);
    if (!error) return [`${__type} is no error of ${operation}`];
    const client = error.traits['smithy.api#error'] === 'client';
    const expected = client ? 400 : error.traits['smithy.api#httpError'];
    return [
      ...faultsOf(model, error.target, members),
      ...(status === expected ? [] : [`${status} is not ${expected}`]),
    ];
  };

  const KeyId = labKeyArn;
  const Policy = JSON.stringify(labKeyPolicy);
  const get: Act = ({ kms }) => kms.send(new KMS.GetKeyPolicyCommand({ KeyId, PolicyName: 'default' }));
  const put =
    (more: object): Act =>
    ({ kms }) =>
      kms.send(
        new KMS.PutKeyPolicyCommand({ KeyId, Policy, BypassPolicyLockoutSafetyCheck: false, ...more }),
      );
  const describeKey: Act = ({ kms }) => kms.send(new KMS.DescribeKeyCommand({ KeyId }));
  const afterwards =
    (change: (open: OpenAwsLab) => void, act: Act): Act =>
    async open => {
      change(open);
      await act(open);
    };
  const failing = (fault: any, act: Act) =>
    afterwards(({ lab }) => void lab.faults.add({ on: 'kms', act: fault }), act);

  test.each<readonly [string, Act]>([
    ['GetKeyPolicy', get],
    ['PutKeyPolicy', put({})],
    ['DescribeKey', describeKey],
    [
      'DescribeKey of a key in several regions',
      async ({ lab, kms }) => {
        const arn = `arn:aws:kms:us-east-1:${labAccountId}:key/mrk-${'ab'.repeat(16)}`;
        lab.aws.kms.addKey({ arn, policy: labKeyPolicy });
        await kms.send(new KMS.DescribeKeyCommand({ KeyId: arn }));
      },
    ],
    ['ListKeyPolicies', ({ kms }) => kms.send(new KMS.ListKeyPoliciesCommand({ KeyId }))],
    [
      'ListGrants',
      async ({ lab, kms }) => {
        const grant = { granteeArn: labRoleArn, operations: ['Decrypt'] };
        lab.aws.kms.key(KeyId).grants.push({ id: 'g1', ...grant }, { id: 'g2', ...grant });
        const { NextMarker } = await kms.send(new KMS.ListGrantsCommand({ KeyId, Limit: 1 }));
        await kms.send(new KMS.ListGrantsCommand({ KeyId, Marker: NextMarker! }));
      },
    ],
    ['no such key', put({ KeyId: KeyId.replace('1a', '2a') })],
    ['no policy', put({ Policy: '{' })],
    [
      'a policy that locks out',
      put({ Policy: JSON.stringify({ ...labKeyPolicy, Statement: labKeyPolicy.Statement[1] }) }),
    ],
    ['a policy that is too large', put({ Policy: Policy.padEnd(32_769) })],
    [
      'a key that is being made',
      afterwards(({ lab }) => Object.assign(lab.aws.kms.key(KeyId), { state: 'Creating' }), put({})),
    ],
    ['an internal error', failing(refusals.kmsInternal(), get)],
    ['a time-out within KMS', failing(refusals.kmsDependencyTimeout(), get)],
  ])('%s is as described, both ways', async (_, act) => {
    for (const exchange of await exchanges(act)) {
      expect(requestFaults(exchange)).toEqual([]);
      expect(answerFaults(exchange)).toEqual([]);
      expect(exchange.contentType).toBe('application/x-amz-json-1.1');
    }
  });

  test.each<readonly [string, Act, string, (exchange: any) => void]>([
    ['a request without its key', get, '$.KeyId is missing', ({ sent }) => delete sent.KeyId],
    ['a name of a wrong type', get, '$.PolicyName', ({ sent }) => Object.assign(sent, { PolicyName: 7 })],
    [
      'a policy with other characters',
      put({}),
      '$.Policy',
      ({ sent }) => Object.assign(sent, { Policy: '\u2013' }),
    ],
    ['a member that is not described', get, '$.ETag', e => Object.assign(e, { text: '{"ETag":"1"}' })],
    [
      'a state that is none',
      describeKey,
      '$.KeyMetadata.KeyState',
      e => Object.assign(e, { text: e.text.replace('"Enabled",', '"Asleep",') }),
    ],
    [
      'an error that is none',
      put({ Policy: '{' }),
      'is no error of PutKeyPolicy',
      e => Object.assign(e, { text: e.text.replace('DocumentException', 'Exception') }),
    ],
  ])('the check sees %s', async (_, act, fault, spoil) => {
    const exchange = structuredClone((await exchanges(act))[0]!);
    spoil(exchange);
    expect([...requestFaults(exchange), ...answerFaults(exchange)].join()).toContain(fault);
  });
});

const iamFile = 'aws-iam-2010-05-08.smithy.json';
describeContract("IAM's Smithy model", iamFile, () => {
  const namespace = 'com.amazonaws.iam';
  let model: SmithyModel;
  const operationOf = (name: string) => {
    model ??= readModel(iamFile);
    return shapeOf(model, `${namespace}#${name}`);
  };

  const requestFaults = ({ operation, sent }: Exchange) => {
    const { target } = operationOf(operation).input;
    return faultsOf(model, target, meaningOf(model, target, sent));
  };
  const answerFaults = ({ operation, status, text }: Exchange): readonly string[] => {
    const described = operationOf(operation);
    const { name, namespace: xmlns, tree } = treeOfXml(text);
    expect(xmlns).toBe(
      shapeOf(model, `${namespace}#AWSIdentityManagementV20100508`).traits['smithy.api#xmlNamespace'].uri,
    );
    const members: any = tree;
    if (status !== 200) {
      expect([name, Object.keys(members)]).toEqual(['ErrorResponse', ['Error', 'RequestId']]);
      const [{ Type, Code, Message }] = members.Error;
      const found = errorsOf(model, described).find(
        ({ traits }) => traits['aws.protocols#awsQueryError'].code === Code[0],
      );
      if (!found) return [`${Code} is no error of ${operation}`];
      const { httpResponseCode } = found.traits['aws.protocols#awsQueryError'];
      expect(Type[0]).toBe(status < 500 ? 'Sender' : 'Receiver');
      return [
        ...faultsOf(model, found.target, { message: Message[0] }),
        ...(httpResponseCode === status ? [] : [`${status} is not ${httpResponseCode}`]),
      ];
    }
    const { target } = described.output;
    const result = target === 'smithy.api#Unit' ? [] : [`${operation}Result`];
    expect([name, Object.keys(members)]).toEqual([`${operation}Response`, [...result, 'ResponseMetadata']]);
    const [key] = result;
    return key === undefined ? [] : faultsOf(model, target, meaningOf(model, target, members[key][0]));
  };

  const RoleName = 'atlas-cmk';
  const PolicyName = 'postern';
  const PolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: {
      Effect: 'Allow',
      Action: 'kms:*',
      Resource: labKeyArn,
      Condition: { StringLike: { 'a:b': '<&">' } },
    },
  });
  const PolicyArn = `arn:aws:iam::${labAccountId}:policy/use-key`;
  const put =
    (more: object = {}): Act =>
    ({ iam }) =>
      iam.send(new IAM.PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument, ...more }));
  const get: Act = async open => {
    await put()(open);
    await open.iam.send(new IAM.GetRolePolicyCommand({ RoleName, PolicyName }));
  };
  const attached =
    (act: Act): Act =>
    async open => {
      open.lab.aws.iam.attach(labRoleArn, PolicyArn, JSON.parse(PolicyDocument));
      await act(open);
    };
  const getRole: Act = ({ iam }) => iam.send(new IAM.GetRoleCommand({ RoleName }));
  const simulate: Act = ({ iam }) =>
    iam.send(
      new IAM.SimulatePrincipalPolicyCommand({
        PolicySourceArn: labRoleArn,
        ActionNames: ['kms:Encrypt', 'kms:Decrypt'],
        ResourceArns: [labKeyArn],
        ContextEntries: [
          {
            ContextKeyName: 'aws:SourceIp',
            ContextKeyType: 'ip',
            ContextKeyValues: ['192.0.2.1', '192.0.2.2'],
          },
        ],
      }),
    );

  test.each<readonly [string, Act]>([
    ['GetRole', getRole],
    ['PutRolePolicy and GetRolePolicy', get],
    [
      'DeleteRolePolicy',
      async open => {
        await put()(open);
        await open.iam.send(new IAM.DeleteRolePolicyCommand({ RoleName, PolicyName }));
      },
    ],
    [
      'ListRolePolicies, in pages',
      async open => {
        await put()(open);
        const { Marker } = await open.iam.send(new IAM.ListRolePoliciesCommand({ RoleName, MaxItems: 1 }));
        await open.iam.send(new IAM.ListRolePoliciesCommand({ RoleName, Marker: Marker! }));
      },
    ],
    [
      'ListAttachedRolePolicies, empty',
      ({ iam }) => iam.send(new IAM.ListAttachedRolePoliciesCommand({ RoleName })),
    ],
    [
      'ListAttachedRolePolicies',
      attached(({ iam }) => iam.send(new IAM.ListAttachedRolePoliciesCommand({ RoleName }))),
    ],
    ['GetPolicy', attached(({ iam }) => iam.send(new IAM.GetPolicyCommand({ PolicyArn })))],
    [
      'GetPolicyVersion',
      attached(({ iam }) => iam.send(new IAM.GetPolicyVersionCommand({ PolicyArn, VersionId: 'v1' }))),
    ],
    ['SimulatePrincipalPolicy', simulate],
    ['GetUser', ({ iam }) => iam.send(new IAM.GetUserCommand({}))],
    [
      'GetRole, of a role with a boundary',
      attached(async open => {
        open.lab.aws.iam.setBoundary(labRoleArn, PolicyArn);
        await getRole(open);
      }),
    ],
    ['no such role', ({ iam }) => iam.send(new IAM.GetRoleCommand({ RoleName: 'nobody' }))],
    ['no policy', put({ PolicyDocument: '{' })],
    [
      'a policy that is too large',
      put({ PolicyDocument: PolicyDocument.replace('key/', `key/${'x'.repeat(10_240)}`) }),
    ],
    [
      'a failure of IAM',
      async open => {
        open.lab.faults.add({ on: 'iam', act: refusals.iamFailure() });
        await getRole(open);
      },
    ],
  ])('%s is as described, both ways', async (_, act) => {
    for (const exchange of await exchanges(act)) {
      expect(requestFaults(exchange)).toEqual([]);
      expect(answerFaults(exchange)).toEqual([]);
      expect(exchange.contentType).toBe('text/xml');
    }
  });

  test.each<readonly [string, Act, string, (exchange: any) => void]>([
    ['a request without its role', getRole, '$.RoleName is missing', ({ sent }) => delete sent.RoleName],
    [
      'a type of context key that is none',
      simulate,
      'ContextKeyType',
      ({ sent }) => Object.assign(sent.ContextEntries[0].member[0], { ContextKeyType: ['address'] }),
    ],
    [
      'an answer without its ARN',
      getRole,
      '$.Role.Arn is missing',
      e => Object.assign(e, { text: e.text.replace(/<Arn>.*<\/Arn>/, '') }),
    ],
    [
      'a member that is not described',
      getRole,
      '$.Role.ETag is not',
      e => Object.assign(e, { text: e.text.replace('<Path>', '<ETag>1</ETag><Path>') }),
    ],
    [
      'a date that is none',
      getRole,
      '$.Role.CreateDate is no',
      e =>
        Object.assign(e, {
          text: e.text.replace(/<CreateDate>.*<\/CreateDate>/, '<CreateDate>today</CreateDate>'),
        }),
    ],
    [
      'another status',
      put({ PolicyDocument: '{' }),
      '409 is not 400',
      e => Object.assign(e, { status: 409 }),
    ],
  ])('the check sees %s', async (_, act, fault, spoil) => {
    const exchange = structuredClone((await exchanges(act))[0]!);
    spoil(exchange);
    expect([...requestFaults(exchange), ...answerFaults(exchange)].join()).toContain(fault);
  });
});
