/** The addresses that a policy's conditions list. Pure. */
import { type ConditionBlock, listOf, type PolicyDocument } from './policy-document.ts';

const isAddressOperator = (operator: string): boolean => /IpAddress/i.test(operator);

export function countAddresses({ Statement }: PolicyDocument): number {
  return Statement.flatMap(({ Condition = {} }) =>
    Object.entries(Condition)
      .filter(([operator]) => isAddressOperator(operator))
      .flatMap(([, block]) => Object.values(block).flatMap(listOf)),
  ).length;
}

export function withoutAddress(policy: PolicyDocument, address: string): PolicyDocument {
  const statements = listOf(policy.Statement).map(statement => ({
    ...statement,
    ...(statement.Condition && { Condition: without(statement.Condition, address) }),
  }));
  return { ...policy, Statement: statements };
}

function without(condition: ConditionBlock, address: string): ConditionBlock {
  return Object.fromEntries(
    Object.entries(condition).map(([operator, block]) => {
      if (!isAddressOperator(operator)) return [operator, block];
      const kept = Object.entries(block).map(([key, values]) => [
        key,
        listOf(values).filter(value => value !== address),
      ]);
      return [operator, Object.fromEntries(kept)];
    }),
  );
}
