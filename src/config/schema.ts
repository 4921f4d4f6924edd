/**
 * The shape of `postern.yaml`. Everything here is checked text: what it means is made of it in
 * `to-config.ts`, so that the JSON Schema for editors describes exactly what a person writes.
 */
import { z } from 'zod';
import { tryParseCidr } from '../address/cidr.ts';
import { neverWrittenReason } from '../address/classify.ts';
import { gateKinds } from '../gates/gate.ts';
import { policies } from '../plan/plan.ts';
import { defaultRemovalPolicy } from '../plan/removal-policy.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { baseUrlFault, urlFault } from './urls.ts';

/** What a checked text lacks: a sentence, and one that says what to do. */
export interface Fault {
  readonly message: string;
  readonly remedy?: string;
}

/** A string with a check of its own, whose fault becomes the whole message. */
function text(check: (value: string) => Fault | undefined) {
  return z.string().check(context => {
    const fault = check(context.value);
    if (fault) {
      const params = { remedy: fault.remedy };
      context.issues.push({ code: 'custom', message: fault.message, params, input: context.value });
    }
  });
}

const quoted = (value: string) => JSON.stringify(value);

const cidr = text(value => {
  const parsed = tryParseCidr(value, { bare: 'host' });
  if (!parsed.ok)
    return { message: `${parsed.error.message}.`, remedy: 'Write a block such as 203.0.113.0/24.' };
  const reason = neverWrittenReason(parsed.cidr);
  if (reason === undefined) return undefined;
  return { message: `${quoted(value)} is never let in: ${reason}.`, remedy: 'Take it out.' };
}).meta({ description: 'An address block; a single address may stand without its prefix length.' });

const secretReference = text(value => {
  if (/^env:[A-Za-z_][A-Za-z0-9_]*$/.test(value) || /^file:[^\0\n\r]*[^\0\n\r\s][^\0\n\r]*$/.test(value)) {
    return undefined;
  }
  return {
    message:
      'expected a reference to a secret, env:NAME or file:PATH; got something else, which is not shown.',
    remedy:
      'If it is the secret itself, take it out of the file, and consider it known to whoever can read the file.',
  };
}).meta({
  description: 'Where the secret is: env:NAME or file:PATH. Never the secret itself.',
  pattern: '^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$',
});

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
  })
  .meta({ description: 'When an address may be taken out again.' });

const gate = z.strictObject({
  name: gateName,
  kind: z.enum(gateKinds),
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
});

export const configSchema = z
  .strictObject({
    // Editors find the schema by this key where the comment is not understood.
    $schema: z.string().optional(),
    state: z.string().min(1).meta({ description: 'The path of the journal.' }).optional(),
    atlas: atlas.optional(),
    static: z
      .array(z.strictObject({ cidr, note: z.string().optional() }))
      .meta({ description: 'Further addresses that every gate lets in.' })
      .optional(),
    gates: z.array(gate).meta({ description: 'The access lists to look after.' }).optional(),
  })
  .meta({ title: 'Postern config', description: 'postern.yaml' });

export type ConfigText = z.infer<typeof configSchema>;
export type GateText = z.infer<typeof gate>;
