import type { AwsRolePolicyConfig } from '../../config/config.ts';
import { sessionOf } from '../aws/session.ts';
import type { Gate } from '../gate.ts';
import type { GateParts } from '../index.ts';
import { createAwsRolePolicyGate } from './index.ts';

/** The gate that the config describes. */
export async function open(config: AwsRolePolicyConfig, parts: GateParts): Promise<Gate> {
  const { name, key: keyArn, role: roleArn, policyName } = config;
  return await createAwsRolePolicyGate({ ...sessionOf(config, parts), name, keyArn, roleArn, policyName });
}
