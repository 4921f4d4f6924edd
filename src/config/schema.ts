/**
 * The shape of `postern.yaml`. Everything here is checked text: what it means is made of it in
 * `to-config.ts`, so that the JSON Schema for editors describes exactly what a person writes.
 */
import { z } from 'zod';
import { tryParseCidr } from '../address/cidr.ts';
import { neverWrittenReason } from '../address/classify.ts';
import { isTimeZone } from '../plan/freeze.ts';
import { policies } from '../plan/plan.ts';
import { approvalModes, defaultRemovalPolicy } from '../plan/removal-policy.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { secretReference, text } from './fields.ts';
import { parseDated, timeZoneFault, weeklyFault } from './freeze.ts';
import { channel } from './notify-schema.ts';
import { server } from './server-schema.ts';
import { baseUrlFault, urlFault } from './urls.ts';
import { defaultWatchConfig, minIntervalMs } from './watch.ts';

/** What is ours in AWS, unless the config says otherwise. */
export const defaultPolicyName = 'PosternAtlasAccess';
export const defaultSid = 'PosternAtlasAccess';

const quoted = (value: string) => JSON.stringify(value);

const cidr = text(value => {
  const parsed = tryParseCidr(value, { bare: 'host' });
  if (!parsed.ok)
    return { message: `${parsed.error.message}.`, remedy: 'Write a block such as 203.0.113.0/24.' };
  const reason = neverWrittenReason(parsed.cidr);
  if (reason === undefined) return undefined;
  return { message: `${quoted(value)} is never let in: ${reason}.`, remedy: 'Take it out.' };
}).meta({ description: 'An address block; a single address may stand without its prefix length.' });

/** A public part of a credential; the private part is sometimes pasted here. */
const publicPart = text(value => {
  if (value.trim() === '') return { message: 'expected an id; got an empty text.' };
  if (/^mdb_sa_sk_/.test(value)) {
    return {
      message: 'expected the public part of the credential; got the secret one, which is not shown.',
      remedy: 'Write the id here and the secret by reference, as env:NAME or file:PATH.',
    };
  }
  return undefined;
});

const duration = text(value =>
  parseDuration(value) === undefined
    ? { message: `expected a duration such as 90m, 12h or 7d; got ${quoted(value)}.` }
    : undefined,
).meta({ pattern: '^(\\d{1,6}[smhd]){1,4}$' });

const projectId = text(value =>
  /^[0-9a-f]{24}$/.test(value)
    ? undefined
    : {
        message: `expected a project id, 24 hexadecimal digits in lower case; got ${quoted(value)}.`,
        remedy: 'Atlas shows it under Project Settings.',
      },
).meta({ pattern: '^[0-9a-f]{24}$' });

const gateName = text(value =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(value)
    ? undefined
    : { message: `expected a name of letters, digits, dots, dashes, at most 63; got ${quoted(value)}.` },
).meta({ description: 'What you call this gate.', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$' });

const vaultIdPattern =
  /^\/subscriptions\/[0-9a-f-]{36}\/resourceGroups\/[^/\s]{1,90}\/providers\/Microsoft\.KeyVault\/vaults\/[a-z][a-z0-9-]{1,22}[a-z0-9]$/i;
const vault = text(value =>
  vaultIdPattern.test(value)
    ? undefined
    : {
        message: `expected the vault's resource id, /subscriptions/…/resourceGroups/…/providers/Microsoft.KeyVault/vaults/…; got ${quoted(value)}.`,
        remedy: 'Print it with: az keyvault show --name NAME --query id --output tsv',
      },
).meta({ description: "The vault's resource id, as `az keyvault show --query id` prints it." });

const tenantOrClientId = text(value =>
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)
    ? undefined
    : { message: 'expected a UUID; got something else, which is not shown.' },
);

const nonEmpty = <T extends z.ZodType>(element: T) => z.array(element).min(1);
const share = z.number().gt(0).lte(1);

const atlas = z.strictObject({
  baseUrl: text(baseUrlFault)
    .meta({ description: '`commercial` (the default), `government`, or a URL.' })
    .optional(),
  auth: z
    .strictObject({
      serviceAccount: z.strictObject({ clientId: publicPart, clientSecret: secretReference }).optional(),
      apiKey: z.strictObject({ publicKey: publicPart, privateKey: secretReference }).optional(),
    })
    .meta({ description: 'Needed for the addresses of nodes; the control plane is public.' })
    .optional(),
  includeGateways: z
    .boolean()
    .meta({ description: 'Also let in the gateway groups that Atlas lists.', default: false })
    .optional(),
  timeoutSeconds: z
    .number()
    .gt(0)
    .lte(600)
    .meta({ description: 'For one try of one request.', default: 30 })
    .optional(),
});

const timeZone = text(value => (isTimeZone(value) ? undefined : timeZoneFault(value))).meta({
  description: 'An IANA time zone.',
  default: 'UTC',
});

const moment = (edge: 'from' | 'to') =>
  text(value =>
    parseDated(value, edge) === undefined
      ? { message: `expected a date such as 2026-12-20, or 2026-12-20 18:00; got ${quoted(value)}.` }
      : undefined,
  );

/** Either `weekly`, or `from` and `to`: see `cross-faults.ts`. */
const freezeWindow = z.strictObject({
  weekly: text(weeklyFault)
    .meta({ description: 'Every week, from and to: `fri 16:00 - mon 08:00`.' })
    .optional(),
  from: moment('from').meta({ description: 'Once: a date, with or without a time of day.' }).optional(),
  to: moment('to')
    .meta({ description: 'A date, that day included; or a date and a time of day.' })
    .optional(),
  timeZone: timeZone.optional(),
  note: z.string().meta({ description: 'Why, for people.' }).optional(),
});

const removal = z
  .strictObject({
    grace: duration
      .meta({
        description: 'How long an address stays after the first complete reading that lacks it.',
        default: formatDuration(defaultRemovalPolicy.graceMs),
      })
      .optional(),
    minReads: z
      .int()
      .min(2)
      .meta({
        description: 'In how many complete readings in a row it must be absent.',
        default: defaultRemovalPolicy.minReads,
      })
      .optional(),
    minReadGap: duration
      .meta({
        description: 'Readings closer together count as one.',
        default: formatDuration(defaultRemovalPolicy.minReadGapMs),
      })
      .optional(),
    maxCount: z
      .int()
      .min(0)
      .meta({ description: 'The most that one run may remove.', default: defaultRemovalPolicy.maxCount })
      .optional(),
    maxShare: share
      .meta({
        description: 'The largest share of what Postern let in that one run may remove.',
        default: defaultRemovalPolicy.maxShare,
      })
      .optional(),
    shrinkShare: share
      .meta({
        description: 'A feed that shrank by this share since its peak of 30 days is not believed.',
        default: defaultRemovalPolicy.shrinkShare,
      })
      .optional(),
    approval: z
      .enum(approvalModes)
      .meta({
        description: '`required`: a removal waits for `postern approve`.',
        default: defaultRemovalPolicy.approval,
      })
      .optional(),
    freeze: z
      .array(freezeWindow)
      .meta({ description: 'When nothing is removed; additions go on.' })
      .optional(),
    soak: duration
      .meta({
        description: 'How long a removal is on probation: any sign of trouble puts it back.',
        default: formatDuration(defaultRemovalPolicy.soakMs),
      })
      .optional(),
  })
  .meta({ description: 'When an address may be taken out again.' });

const awsKey = text(value =>
  /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/(mrk-)?[0-9a-f-]{32,36}$/.test(value)
    ? undefined
    : {
        message: `expected the key's ARN, arn:aws:kms:REGION:ACCOUNT:key/ID; got ${quoted(value)}.`,
        remedy: 'Print it with: aws kms describe-key --key-id ALIAS --query KeyMetadata.Arn --output text',
      },
).meta({ description: "The key's ARN; an alias may be pointed at another key, so it is not taken." });

const awsRole = text(value =>
  /^arn:aws[a-z-]*:iam::\d{12}:role\/([\u0021-\u007e]+\/)?[\w+=,.@-]{1,64}$/.test(value)
    ? undefined
    : {
        message: `expected the ARN of the role that Atlas assumes, arn:aws:iam::ACCOUNT:role/NAME; got ${quoted(value)}.`,
        remedy: 'Atlas shows it under Project Integrations → AWS IAM Role Access.',
      },
).meta({ description: 'The ARN of the IAM role that Atlas assumes.' });

const accessLevel = text(value =>
  /^accessPolicies\/\d{1,30}\/accessLevels\/[A-Za-z][A-Za-z0-9_]{0,49}$/.test(value)
    ? undefined
    : {
        message: `expected accessPolicies/NUMBER/accessLevels/NAME; got ${quoted(value)}.`,
        remedy:
          "List them with: gcloud access-context-manager levels list --policy NUMBER --format 'value(name)'",
      },
).meta({ description: 'An access level that is Postern’s alone. One that does not exist yet is made.' });

const perimeter = text(value =>
  /^accessPolicies\/\d{1,30}\/servicePerimeters\/[A-Za-z][A-Za-z0-9_]{0,49}$/.test(value)
    ? undefined
    : { message: `expected accessPolicies/NUMBER/servicePerimeters/NAME; got ${quoted(value)}.` },
).meta({
  description: "The service perimeter around the key's project. Postern reads it and never writes it.",
});

const common = {
  name: gateName,
  projects: nonEmpty(projectId).meta({ description: 'The Atlas projects whose nodes use this key.' }),
  policy: z
    .enum(policies)
    .meta({
      description: '`observe` never writes, `add-only` never removes, `sync` does both.',
      default: 'observe',
    })
    .optional(),
  pinned: z.array(cidr).meta({ description: 'Let in and kept, whatever the feeds list.' }).optional(),
  adopt: z
    .boolean()
    .meta({
      description: 'Look after entries that someone else put in and that Atlas lists or listed.',
      default: false,
    })
    .optional(),
  removal: removal.optional(),
};

const aws = {
  key: awsKey,
  role: awsRole,
  profile: z
    .string()
    .min(1)
    .meta({ description: "A profile of AWS's shared config files. Default: what the default chain finds." })
    .optional(),
  credential: z
    .strictObject({
      accessKeyId: text(value =>
        /^[A-Z0-9]{16,128}$/.test(value)
          ? undefined
          : { message: 'expected the id of an access key; got something else, which is not shown.' },
      ),
      secretAccessKey: secretReference,
      sessionToken: secretReference.optional(),
    })
    .meta({ description: 'Default: `profile`, or what the default chain finds.' })
    .optional(),
  endpoints: z
    .strictObject({
      kms: text(urlFault).optional(),
      iam: text(urlFault).optional(),
      sts: text(urlFault).optional(),
    })
    .meta({ description: "Other servers than Amazon's, for tests." })
    .optional(),
};

const gate = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('aws-role-policy'),
    ...common,
    ...aws,
    policyName: text(value =>
      /^[\w+=,.@-]{1,128}$/.test(value)
        ? undefined
        : { message: `expected the name of an inline policy; got ${quoted(value)}.` },
    )
      .meta({ description: 'The inline policy that is Postern’s.', default: defaultPolicyName })
      .optional(),
  }),
  z.strictObject({
    kind: z.literal('aws-key-policy'),
    ...common,
    ...aws,
    sid: text(value =>
      /^[A-Za-z0-9]{1,100}$/.test(value)
        ? undefined
        : { message: `expected a Sid of letters and digits; got ${quoted(value)}.` },
    )
      .meta({ description: 'The statement that is Postern’s.', default: defaultSid })
      .optional(),
  }),
  z.strictObject({
    kind: z.literal('azure-key-vault'),
    ...common,
    vault,
    cloud: z
      .enum(['AzureCloud', 'AzureUSGovernment', 'AzureChinaCloud'])
      .meta({ default: 'AzureCloud' })
      .optional(),
    endpoint: text(urlFault).meta({ description: 'Another Azure Resource Manager, for tests.' }).optional(),
    authorityHost: text(urlFault).meta({ description: 'Another sign-in host.' }).optional(),
    credential: z
      .strictObject({
        tenantId: tenantOrClientId,
        clientId: tenantOrClientId,
        clientSecret: secretReference,
      })
      .meta({ description: 'Default: what DefaultAzureCredential finds.' })
      .optional(),
  }),
  z.strictObject({
    kind: z.literal('gcp-access-level'),
    ...common,
    level: accessLevel,
    perimeter: perimeter.optional(),
    quotaProject: z
      .string()
      .min(1)
      .meta({ description: 'The project that API calls are counted to; needed for a user’s credentials.' })
      .optional(),
    endpoint: text(urlFault).meta({ description: 'Another server than Google’s, for tests.' }).optional(),
    credentialFile: z
      .string()
      .min(1)
      .meta({ description: 'The path of a credential file. Default: Application Default Credentials.' })
      .optional(),
  }),
]);

const interval = (description: string, defaultMs: number, { orNever = false } = {}) =>
  text(value => {
    const ms = parseDuration(value);
    if (ms !== undefined && (ms >= minIntervalMs || (orNever && ms === 0))) return undefined;
    return {
      message: `expected a duration of a second or more, such as 1m${orNever ? ', or 0s for never' : ''}; got ${quoted(value)}.`,
    };
  })
    .meta({ pattern: '^(\\d{1,6}[smhd]){1,4}$', description, default: formatDuration(defaultMs) })
    .optional();

const watch = z
  .strictObject({
    controlPlane: interval('How often the control plane is read.', defaultWatchConfig.controlPlaneMs),
    nodes: interval('How often the nodes of each project are read.', defaultWatchConfig.nodesMs),
    gates: interval('How often each gate is read.', defaultWatchConfig.gatesMs),
    events: interval("How often each project's events are read.", defaultWatchConfig.eventsMs, {
      orNever: true,
    }),
    minGap: interval('Hints closer together make one read.', defaultWatchConfig.minGapMs),
    concurrency: z
      .int()
      .min(1)
      .max(100)
      .meta({
        description: 'How many gates of one cloud are worked on at once.',
        default: defaultWatchConfig.concurrency,
      })
      .optional(),
    ping: secretReference
      .meta({
        description: 'Where the URL is that is asked after each healthy cycle: env:NAME or file:PATH.',
      })
      .optional(),
  })
  .meta({ description: 'How often `postern watch` looks.' });

export const configSchema = z
  .strictObject({
    // Editors find the schema by this key where the comment is not understood.
    $schema: z.string().optional(),
    state: z.string().min(1).meta({ description: 'The path of the journal.' }).optional(),
    database: secretReference
      .meta({
        description:
          'Where the URL of a PostgreSQL database is that holds the journal instead, so that several workers can share it: env:NAME or file:PATH.',
      })
      .optional(),
    atlas: atlas.optional(),
    static: z
      .array(z.strictObject({ cidr, note: z.string().optional() }))
      .meta({ description: 'Further addresses that every gate lets in.' })
      .optional(),
    gates: z.array(gate).meta({ description: 'The access lists to look after.' }).optional(),
    watch: watch.optional(),
    server: server.optional(),
    notify: z.array(channel).meta({ description: 'Who is told what.' }).optional(),
  })
  .meta({ title: 'Postern config', description: 'postern.yaml' });

export type ConfigText = z.infer<typeof configSchema>;
export type GateText = z.infer<typeof gate>;
