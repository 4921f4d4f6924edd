/** A key and the role in which Atlas uses it, in the lab's AWS: the gate is a policy of the role, or of the key. */
import { type Cidr, tryParseCidr } from '../../src/address/cidr.ts';
import { awsKeyPolicyGateOver } from '../../src/gates/aws-key-policy/index.ts';
import { awsRolePolicyGateOver } from '../../src/gates/aws-role-policy/index.ts';
import type { LabKey } from '../../src/lab/atlas/model.ts';
import type { AwsBehaviour } from '../../src/lab/aws/behaviour.ts';
import { callerOf } from '../../src/lab/aws/evaluate.ts';
import { AwsModel, atlasAccountId } from '../../src/lab/aws/model.ts';
import { foreignPolicy, labKeyPolicy } from '../../src/lab/aws/world.ts';
import { awsClients, awsServices } from './aws-client.ts';
import type { CloudParts, SimulatedCloud } from './cloud.ts';

export interface AwsCloudOptions extends Pick<CloudParts, 'clock'> {
  readonly kind: 'aws-role-policy' | 'aws-key-policy';
  /** Short, and different for each gate of a world. */
  readonly name: string;
  readonly behaviour: Partial<AwsBehaviour>;
}

const account = '644160558196';
const region = 'us-east-1';
const externalId = '3a7f0c52-6d1e-4b8a-9f43-5d2c1b0a9e87';
/** Ours: the name of the inline policy, and the Sid of the statement. */
const policyName = 'postern-atlas';
const sid = 'PosternAtlas';
const actions = ['kms:Encrypt', 'kms:Decrypt', 'kms:DescribeKey'];

/** The list is not there at first: Postern makes it. */
export function awsCloud({ clock, kind, name, behaviour }: AwsCloudOptions): SimulatedCloud {
  const ofRole = kind === 'aws-role-policy';
  const model = new AwsModel(clock, behaviour);
  const roleArn = `arn:aws:iam::${account}:role/${name}-atlas`;
  const keyArn = `arn:aws:kms:${region}:${account}:key/1a2b3c4d-5e6f-4a70-8b91-${keyIdOf(name)}`;
  const roleId = '6a793f60c0eb9e7a1771aaaa';
  const key: Extract<LabKey, { cloud: 'aws' }> = { cloud: 'aws', keyArn, roleArn, roleId };
  const useKey = [{ Effect: 'Allow', Action: actions, Resource: keyArn }];
  // The administrators that the key's policy names.
  model.iam.addRole(labKeyPolicy.Statement[1]!.Principal.AWS, trustOf(account));
  model.iam.addRole(roleArn, trustOf(atlasAccountId, externalId), {
    'audit-trail': foreignPolicy,
    ...(!ofRole && { 'use-key': { Version: '2012-10-17', Statement: useKey } }),
  });
  model.externalIds.set(roleArn, externalId);
  model.kms.addKey({ arn: keyArn, policy: labKeyPolicy });
  const caller = callerOf(model.directory.add(`arn:aws:iam::${account}:user/postern`));
  const origins = { kms: `https://${name}.kms.invalid`, iam: `https://${name}.iam.invalid` };

  const ownStatement = (): any => {
    const text = ofRole ? model.iam.inlineText(roleArn, policyName) : model.kms.policyText(keyArn);
    const statements = text === undefined ? [] : JSON.parse(text).Statement;
    return ofRole ? statements[0] : statements.find(({ Sid }: any) => Sid === sid);
  };
  const texts = (): readonly string[] => {
    const { IpAddress, NotIpAddress } = ownStatement()?.Condition ?? {};
    const value = (IpAddress ?? NotIpAddress)?.['aws:SourceIp'] ?? [];
    return typeof value === 'string' ? [value] : value;
  };
  const list = () => cidrsOf(texts());
  const settings = () => {
    const others = JSON.parse(model.kms.policyText(keyArn)).Statement.filter(({ Sid }: any) => Sid !== sid);
    return JSON.stringify([others, model.iam.inlineText(roleArn, 'audit-trail'), attached()]);
  };
  const attached = () => model.iam.role(roleArn).attached;
  const setList = (values: readonly string[]) => {
    if (ofRole) {
      model.iam.edit(roleArn, policyName, () => (values.length === 0 ? undefined : rolePolicy(values)));
      return;
    }
    model.kms.edit(keyArn, policy => {
      const others = policy.Statement.filter(({ Sid }: any) => Sid !== sid);
      return { ...policy, Statement: values.length === 0 ? others : [...others, keyStatement(values)] };
    });
  };
  const rolePolicy = (values: readonly string[]) => ({
    Version: '2012-10-17',
    Statement: [{ ...useKey[0], Condition: { IpAddress: { 'aws:SourceIp': values } } }],
  });
  const keyStatement = (values: readonly string[]) => ({
    ...{ Sid: sid, Effect: 'Deny', Principal: '*', Action: actions, Resource: '*' },
    Condition: {
      ArnEquals: { 'aws:PrincipalArn': roleArn },
      NotIpAddress: { 'aws:SourceIp': values },
      Null: { 'aws:SourceIp': 'false' },
    },
  });

  const cloud: SimulatedCloud = {
    kind,
    services: awsServices(model, caller, region, origins, (operation, input, work) => {
      const isLook = ofRole
        ? operation === 'GetRolePolicy' && input.PolicyName === policyName
        : operation === 'GetKeyPolicy';
      if (isLook) cloud.looks++;
      if (!operation.startsWith('Put')) return work();
      const before = { before: list(), settingsBefore: settings() };
      const answer = work();
      // A Deny that is gone denies nobody; an Allow that is gone lets in nobody.
      const isWithdrawn = !ofRole && ownStatement() === undefined;
      cloud.onWrite({ ...before, after: list(), settingsAfter: settings(), isWithdrawn });
      return answer;
    }),
    requests: { reads: /^POST \/(Get|List|Describe)/, writes: /^POST \/Put/ },
    key,
    propagationMs: model.behaviour.propagationMs,
    entries: list,
    settings,
    letsIn: address => model.letsIn(key, address),
    edit: (_by, change) => {
      // Whoever would edit a list that is not there yet has nothing to edit.
      if (ownStatement() !== undefined) setList(change(texts()));
    },
    changeSettings: (_by, random) => {
      if (random() < 0.5) {
        const Resource = `arn:aws:logs:${region}:${account}:log-group:/atlas/${clock.now()}:*`;
        const statement = { ...foreignPolicy.Statement[0], Resource };
        model.iam.edit(roleArn, 'audit-trail', () => ({ ...foreignPolicy, Statement: [statement] }));
        return;
      }
      model.kms.edit(keyArn, policy => ({
        ...policy,
        Statement: [...policy.Statement.filter(({ Sid }: any) => Sid !== 'Audit'), auditStatement(random())],
      }));
    },
    refuseWrites: random => {
      const right = ofRole ? 'iam:PutRolePolicy' : 'kms:PutKeyPolicy';
      if (random) model.withheld.add(right);
      else model.withheld.delete(right);
    },
    staleReads: count => {
      model.staleReads = count;
    },
    readLagMs: model.behaviour.readLagMs,
    readsMayBeStale: model.behaviour.readLagMs > 0,
    looks: 0,
    onWrite: () => {},
    configOf: common => {
      const aws = { ...common, key: keyArn, role: roleArn, profile: undefined, credential: undefined };
      const endpoints = { kms: origins.kms, iam: origins.iam };
      return ofRole
        ? { ...aws, endpoints, kind: 'aws-role-policy', policyName }
        : { ...aws, endpoints, kind: 'aws-key-policy', sid };
    },
    openGate: async ({ name: gateName }, parts) => {
      const clients = awsClients(parts, key, origins);
      const { clock: processClock, random } = parts;
      const options = { name: gateName, keyArn, roleArn, clock: processClock, random };
      return ofRole
        ? awsRolePolicyGateOver(clients, { ...options, policyName })
        : awsKeyPolicyGateOver(clients, { ...options, sid });
    },
    replace: async (transport, change) => {
      const { kms, iam } = awsClients({ transport, clock, random: () => 0.5 }, key, origins);
      if (ofRole) {
        await iam.putInlinePolicy(policyName, JSON.stringify(rolePolicy(change(list()))));
        return;
      }
      const policy = JSON.parse(await kms.getPolicy());
      const others = policy.Statement.filter(({ Sid }: any) => Sid !== sid);
      const Statement = [...others, keyStatement(change(list()))];
      await kms.putPolicy(JSON.stringify({ ...policy, Statement }));
    },
  };
  return cloud;
}

function auditStatement(number: number): object {
  return {
    Sid: 'Audit',
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${account}:root` },
    Action: ['kms:ListGrants'],
    Resource: '*',
    Condition: { StringEquals: { 'aws:PrincipalTag/audit': String(number) } },
  };
}

function trustOf(principal: string, external?: string): object {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${principal}:root` },
        Action: 'sts:AssumeRole',
        ...(external && { Condition: { StringEquals: { 'sts:ExternalId': external } } }),
      },
    ],
  };
}

function cidrsOf(values: readonly string[]): readonly Cidr[] {
  return values.flatMap(text => {
    const parsed = tryParseCidr(text, { bare: 'host', hostBits: 'mask' });
    return parsed.ok ? [parsed.cidr] : [];
  });
}

/** A key of its own for each gate: two gates that share a list would be turned down as a config. */
function keyIdOf(name: string): string {
  return Buffer.from(name).toString('hex').padStart(12, '0').slice(-12);
}
