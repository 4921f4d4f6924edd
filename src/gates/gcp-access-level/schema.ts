/**
 * What Access Context Manager says, parsed at the border. Shape: its discovery document, v1 of 2026-03-29. Loose
 * where a member that we do not know must be seen, since it may decide who comes in, and a write could lose it.
 */
import { z } from 'zod';

const condition = z.looseObject({ ipSubnetworks: z.array(z.string()).nullish() });

const basic = z.looseObject({
  combiningFunction: z.string().nullish(),
  conditions: z.array(condition).nullish(),
});

export const levelAnswer = z.object({
  name: z.string(),
  title: z.string().nullish(),
  description: z.string().nullish(),
  basic: basic.nullish(),
  custom: z.unknown().optional(),
});

export const operationAnswer = z.object({
  name: z.string().regex(/^operations\/[\w./-]+$/),
  done: z.boolean().nullish(),
  error: z.object({ code: z.number(), message: z.string().nullish() }).nullish(),
});

const texts = z.array(z.string()).nullish();

const ingressPolicy = z.object({
  title: z.string().nullish(),
  ingressFrom: z
    .object({
      identities: texts,
      identityType: z.string().nullish(),
      sources: z.array(z.object({ accessLevel: z.string().nullish() })).nullish(),
    })
    .nullish(),
  ingressTo: z
    .object({
      operations: z.array(z.object({ serviceName: z.string().nullish() })).nullish(),
      resources: texts,
      roles: texts,
    })
    .nullish(),
});

const perimeterConfig = z.object({
  resources: texts,
  accessLevels: texts,
  restrictedServices: texts,
  ingressPolicies: z.array(ingressPolicy).nullish(),
});

export const perimeterAnswer = z.object({
  name: z.string(),
  perimeterType: z.string().nullish(),
  status: perimeterConfig.nullish(),
  spec: perimeterConfig.nullish(),
  useExplicitDryRunSpec: z.boolean().nullish(),
});

export const policyAnswer = z.object({ name: z.string(), title: z.string().nullish() });

export const permissionsAnswer = z.object({ permissions: texts });

/** AIP-193: what every Google API answers with when it refuses. */
export const errorAnswer = z.object({
  error: z.object({
    code: z.number(),
    message: z.string().nullish(),
    status: z.string().nullish(),
    details: z.array(z.looseObject({ reason: z.string().nullish() })).nullish(),
  }),
});

export type LevelAnswer = z.infer<typeof levelAnswer>;
export type ConditionAnswer = z.infer<typeof condition>;
export type OperationAnswer = z.infer<typeof operationAnswer>;
export type PerimeterAnswer = z.infer<typeof perimeterAnswer>;
export type PerimeterConfigAnswer = z.infer<typeof perimeterConfig>;
export type IngressPolicyAnswer = z.infer<typeof ingressPolicy>;
