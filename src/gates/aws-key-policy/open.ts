import type { AwsKeyPolicyConfig } from '../../config/config.ts';
import { sessionOf } from '../aws/session.ts';
import type { Gate } from '../gate.ts';
import type { GateParts } from '../index.ts';
import { createAwsKeyPolicyGate } from './index.ts';

/** The gate that the config describes. */
export async function open(config: AwsKeyPolicyConfig, parts: GateParts): Promise<Gate> {
  const { name, key: keyArn, role: roleArn, sid } = config;
  return await createAwsKeyPolicyGate({ ...sessionOf(config, parts), name, keyArn, roleArn, sid });
}
