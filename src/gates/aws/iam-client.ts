/** The calls of IAM that Postern makes, all about one role, by Amazon's own SDK over our transport. */
import { z } from 'zod';
import { parseRoleArn } from './arn.ts';
import { AwsAnswerError, isAwsError, type Right } from './aws-error.ts';
import { readCallerArn } from './caller.ts';
import { parse } from './kms-client.ts';
import { call, callOnce, clientSettings, iamRegionOf, type SessionOptions } from './session.ts';

export interface IamClient {
  role(): Promise<Role>;
  /** The text of one inline policy; undefined when the role has none by that name. */
  inlinePolicy(name: string): Promise<string | undefined>;
  /** Puts the policy in the place of the one by that name, or makes it. */
  putInlinePolicy(name: string, text: string): Promise<void>;
  inlinePolicyNames(): Promise<readonly string[]>;
  attachedPolicyArns(): Promise<readonly string[]>;
  /** The text of a managed policy's default version. */
  managedPolicy(arn: string): Promise<string>;
  /** The ARN by which AWS names whoever Postern signs as: of a user, or of a role's session. */
  callerArn(): Promise<string>;
  /** The ARN of a role of this account, its path included. */
  roleArnOf(name: string): Promise<string>;
  /** Whether the own policies of a user or a role let it do something, as IAM's own simulator has it. */
  simulate(question: SimulationQuestion): Promise<Simulation>;
}

export interface SimulationQuestion {
  readonly principal: string;
  readonly action: string;
  readonly on: string;
  /** What is known of the call, by condition key. */
  readonly context: Readonly<Record<string, string>>;
}

export interface Simulation {
  readonly decision: 'allowed' | 'explicitDeny' | 'implicitDeny';
  /** Condition keys that some policy asks for and the question does not tell. */
  readonly missing: readonly string[];
}

const simulation = z.object({
  EvalDecision: z.enum(['allowed', 'explicitDeny', 'implicitDeny']),
  MissingContextValues: z.array(z.string()).nullish(),
});

const role = z.object({
  Arn: z.string(),
  RoleId: z.string().nullish(),
  PermissionsBoundary: z.object({ PermissionsBoundaryArn: z.string().nullish() }).nullish(),
});
export type Role = z.infer<typeof role>;

/** Of lists; a role has at most 20 attached policies, and few inline ones. */
const maxPages = 100;

interface Page {
  readonly IsTruncated?: boolean | undefined;
  readonly Marker?: string | undefined;
}

/** Loads the SDK. */
export async function createIamClient(roleArn: string, options: SessionOptions): Promise<IamClient> {
  const sdk = await import('@aws-sdk/client-iam');
  const { roleName, partition } = parseRoleArn(roleArn);
  const client = new sdk.IAMClient(
    await clientSettings(options, iamRegionOf(partition), options.endpoints.iam),
  );
  const right = (action: string, on = roleArn): Right => ({ action: `iam:${action}`, on });
  const ofRole = { RoleName: roleName };

  /** Every item of a list in pages. */
  async function list<Answer extends Page, Item>(
    name: string,
    send: (from: { Marker?: string }) => Promise<Answer>,
    items: (answer: Answer) => readonly Item[],
  ): Promise<readonly Item[]> {
    const all: Item[] = [];
    let marker: string | undefined;
    for (let page = 0; page < maxPages; page++) {
      const from = marker === undefined ? {} : { Marker: marker };
      const answer = await call(options, right(name), () => send(from));
      all.push(...items(answer));
      if (!answer.IsTruncated) return all;
      marker = parse(z.string(), answer.Marker, name);
    }
    throw new AwsAnswerError(`the answers to ${name} do not end after ${maxPages} pages`);
  }

  return {
    async role() {
      const { Role } = await call(options, right('GetRole'), () =>
        client.send(new sdk.GetRoleCommand(ofRole)),
      );
      return parse(role, Role, 'GetRole');
    },
    async inlinePolicy(name) {
      const command = new sdk.GetRolePolicyCommand({ ...ofRole, PolicyName: name });
      try {
        const { PolicyDocument } = await call(options, right('GetRolePolicy'), () => client.send(command));
        return decoded(PolicyDocument, 'GetRolePolicy');
      } catch (error) {
        if (isAwsError(error, 'NoSuchEntity')) return undefined;
        throw error;
      }
    },
    async putInlinePolicy(name, text) {
      const command = new sdk.PutRolePolicyCommand({ ...ofRole, PolicyName: name, PolicyDocument: text });
      await callOnce(right('PutRolePolicy'), () => client.send(command));
    },
    inlinePolicyNames: () =>
      list(
        'ListRolePolicies',
        from => client.send(new sdk.ListRolePoliciesCommand({ ...ofRole, ...from })),
        ({ PolicyNames }) => parse(z.array(z.string()), PolicyNames ?? [], 'ListRolePolicies'),
      ),
    attachedPolicyArns: () =>
      list(
        'ListAttachedRolePolicies',
        from => client.send(new sdk.ListAttachedRolePoliciesCommand({ ...ofRole, ...from })),
        ({ AttachedPolicies }) =>
          parse(
            z.array(z.object({ PolicyArn: z.string() })),
            AttachedPolicies ?? [],
            'ListAttachedRolePolicies',
          ).map(({ PolicyArn }) => PolicyArn),
      ),
    async managedPolicy(arn) {
      const get = new sdk.GetPolicyCommand({ PolicyArn: arn });
      const { Policy } = await call(options, right('GetPolicy', arn), () => client.send(get));
      const VersionId = parse(z.string(), Policy?.DefaultVersionId, 'GetPolicy');
      const getVersion = new sdk.GetPolicyVersionCommand({ PolicyArn: arn, VersionId });
      const { PolicyVersion } = await call(options, right('GetPolicyVersion', arn), () =>
        client.send(getVersion),
      );
      return decoded(PolicyVersion?.Document, 'GetPolicyVersion');
    },
    async callerArn() {
      const place = { partition, region: iamRegionOf(partition) };
      const whoAmI = { action: 'sts:GetCallerIdentity', on: 'itself' };
      return await call(options, whoAmI, () => readCallerArn(client, options, place));
    },
    async roleArnOf(name) {
      const command = new sdk.GetRoleCommand({ RoleName: name });
      const { Role } = await call(options, right('GetRole', `role ${name}`), () => client.send(command));
      return parse(role, Role, 'GetRole').Arn;
    },
    async simulate({ principal, action, on, context }) {
      const command = new sdk.SimulatePrincipalPolicyCommand({
        PolicySourceArn: principal,
        ActionNames: [action],
        ResourceArns: [on],
        ContextEntries: Object.entries(context).map(([ContextKeyName, value]) => ({
          ContextKeyName,
          ContextKeyType: 'string',
          ContextKeyValues: [value],
        })),
      });
      const { EvaluationResults } = await call(options, right('SimulatePrincipalPolicy', principal), () =>
        client.send(command),
      );
      const result = parse(simulation, EvaluationResults?.[0], 'SimulatePrincipalPolicy');
      return { decision: result.EvalDecision, missing: result.MissingContextValues ?? [] };
    },
  };
}

/** IAM gives documents URL-encoded, after RFC 3986 (its API reference, GetRolePolicy). */
function decoded(document: unknown, call: string): string {
  const text = parse(z.string(), document, call);
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AwsAnswerError(`the policy in the answer to ${call} is not URL-encoded`);
  }
}
