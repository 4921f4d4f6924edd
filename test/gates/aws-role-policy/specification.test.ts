import { parseCidr } from '../../../src/address/cidr.ts';
import { labKeyArn, labRoleArn } from '../../../src/lab/aws/world.ts';
import { actions, isAwsWrite, openAws, policyName } from '../aws/open.ts';
import { gateSpecification } from '../specification.ts';

gateSpecification('aws-role-policy', async () => {
  const open = await openAws();
  const { lab, aws, editRole, inlinePolicy, roleGate, secretAccessKey, keyPolicy } = open;
  const listOf = (policy: any): string[] => policy.Statement[0].Condition.IpAddress['aws:SourceIp'];
  const edit = (change: (values: string[]) => string[]) =>
    editRole(policyName, policy => {
      policy.Statement[0].Condition.IpAddress['aws:SourceIp'] = change(listOf(policy));
      return policy;
    });
  editRole(policyName, () => ({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: actions,
        Resource: labKeyArn,
        Condition: { IpAddress: { 'aws:SourceIp': ['40.112.209.0/32', '20.55.1.0/24'] } },
      },
    ],
  }));
  const texts = () => listOf(inlinePolicy());
  return {
    openGate: roleGate,
    faults: lab.faults,
    requests: lab.requests,
    service: 'iam' as const,
    isWrite: isAwsWrite,
    texts,
    entries: () => texts().map(text => parseCidr(text, { bare: 'host', hostBits: 'mask' })),
    others: () => [
      keyPolicy(),
      [...aws.iam.role(labRoleArn).inline.newest].filter(([name]) => name !== policyName),
      aws.iam.role(labRoleArn).attached,
    ],
    someoneAdds: (text: string) => edit(values => [...values, text]),
    someoneRemoves: (text: string) => edit(values => values.filter(value => value !== text)),
    oddSpellings: [
      { text: '52.7.232.45', cidr: '52.7.232.45/32', kept: '52.7.232.45' },
      { text: '52.8.232.45/24', cidr: '52.8.232.0/24', kept: '52.8.232.45/24' },
    ],
    staleReads: (count: number) => {
      aws.staleReads = count;
    },
    comparesAndSets: false,
    secrets: [secretAccessKey],
  };
});
