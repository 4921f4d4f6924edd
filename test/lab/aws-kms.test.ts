/** Keys and their policies, as AWS's SDK sees them over HTTP. */
import { GetKeyPolicyCommand, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { expect, test } from 'vitest';
import { labKeyArn, labKeyPolicy } from '../../src/lab/aws/world.ts';
import { openAwsLab } from './aws-client.ts';

test('a policy is read, written, and read back', async () => {
  const { kms } = await openAwsLab();
  const get = async () => (await kms.send(new GetKeyPolicyCommand({ KeyId: labKeyArn }))).Policy!;
  expect(JSON.parse(await get())).toEqual(labKeyPolicy);
  const [root] = labKeyPolicy.Statement;
  const Policy = JSON.stringify({ ...labKeyPolicy, Statement: [root] });
  await kms.send(new PutKeyPolicyCommand({ KeyId: labKeyArn, Policy }));
  expect(JSON.parse(await get())).toEqual(JSON.parse(Policy));
});
