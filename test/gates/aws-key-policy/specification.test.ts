import { parseCidr } from '../../../src/address/cidr.ts';
import { labRoleArn } from '../../../src/lab/aws/world.ts';
import { actions, isAwsWrite, openAws, sid } from '../aws/open.ts';
import { gateSpecification } from '../specification.ts';

gateSpecification('aws-key-policy', async () => {
  const { lab, aws, editKey, keyGate, keyPolicy, secretAccessKey } = await openAws({ withKeyAccess: true });
  const own = (policy: any) => policy.Statement.find(({ Sid }: any) => Sid === sid);
  const edit = (change: (values: string[]) => string[]) =>
    editKey(policy => {
      const { NotIpAddress } = own(policy).Condition;
      NotIpAddress['aws:SourceIp'] = change([NotIpAddress['aws:SourceIp']].flat());
    });
  editKey(policy =>
    policy.Statement.push({
      Sid: sid,
      Effect: 'Deny',
      Principal: '*',
      Action: actions,
      Resource: '*',
      Condition: {
        ArnEquals: { 'aws:PrincipalArn': labRoleArn },
        NotIpAddress: { 'aws:SourceIp': ['40.112.209.0/32', '20.55.1.0/24'] },
        Null: { 'aws:SourceIp': 'false' },
      },
    }),
  );
  const texts = (): string[] => [own(keyPolicy()).Condition.NotIpAddress['aws:SourceIp']].flat();
  return {
    openGate: keyGate,
    faults: lab.faults,
    requests: lab.requests,
    service: 'kms' as const,
    isWrite: isAwsWrite,
    texts,
    entries: () => texts().map(text => parseCidr(text, { bare: 'host', hostBits: 'mask' })),
    others: () => {
      const policy = keyPolicy();
      const role = [...aws.iam.role(labRoleArn).inline.newest];
      return [{ ...policy, Statement: policy.Statement.filter(({ Sid }: any) => Sid !== sid) }, role];
    },
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
