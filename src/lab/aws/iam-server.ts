/** The operations of IAM that the lab has. */
import { IamService } from './iam-service.ts';
import type { AwsModel } from './model.ts';
import type { QueryService } from './query-server.ts';

export function iamService(model: AwsModel): QueryService {
  const iam = new IamService(model, model.iam);
  return {
    name: 'iam',
    version: '2010-05-08',
    namespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
    operations: {
      GetRole: (...call) => iam.getRole(...call),
      GetUser: (...call) => iam.getUser(...call),
      GetRolePolicy: (...call) => iam.getRolePolicy(...call),
      PutRolePolicy: (...call) => iam.putRolePolicy(...call),
      DeleteRolePolicy: (...call) => iam.deleteRolePolicy(...call),
      ListRolePolicies: (...call) => iam.listRolePolicies(...call),
      ListAttachedRolePolicies: (...call) => iam.listAttachedRolePolicies(...call),
      GetPolicy: (...call) => iam.getPolicy(...call),
      GetPolicyVersion: (...call) => iam.getPolicyVersion(...call),
      SimulatePrincipalPolicy: (...call) => iam.simulatePrincipalPolicy(...call),
    },
  };
}
