/**
 * What policies decide, by the rules of IAM's guide ("Policy evaluation logic"): the lab's own small judge of
 * who may call, which knows nothing of Postern's. An explicit Deny is for the caller to honour first.
 */
import type { AddressSet } from '../../address/address-set.ts';
import { addressListsOf, type Context, conditionsHold, isLike } from './conditions.ts';
import { accountOf, type Entity, wholeAccount } from './directory.ts';
import { listOf, type PolicyDocument, type Principal, type Statement } from './policy-document.ts';

/** A user, a whole account, or a role, which calls in a session. */
export interface Caller {
  readonly arn: string;
  /** The unique id by which policies know it. */
  readonly id: string;
  readonly account: string;
  /** The name of its session, where it is a role. */
  readonly session?: string;
}

export function callerOf({ arn, id }: Pick<Entity, 'arn' | 'id'>, session?: string): Caller {
  return { arn, id, account: accountOf(arn), ...(session !== undefined && { session }) };
}

/** The ARN by which AWS names the caller in its answers. */
export function callingArn({ arn, account, session }: Caller): string {
  if (session === undefined) return arn;
  return `arn:aws:sts::${account}:assumed-role/${arn.split('/').at(-1)}/${session}`;
}

export interface Question {
  readonly caller: Caller;
  readonly action: string;
  readonly resource: string;
  readonly context: Context;
}

/** `to-account`: not the caller itself but its account is let in, which hands it on by the caller's own policies. */
export type Verdict = 'deny' | 'allow' | 'to-account' | 'none';

/** By a policy of a key or of a role's trust. */
export function resourceVerdict(
  { Statement }: PolicyDocument,
  question: Question,
  kind: 'key' | 'trust',
): Verdict {
  const applying = Statement.flatMap(statement => {
    const how = matchOf(statement, question.caller);
    // A key policy's statement without a Resource is accepted and has no effect.
    const matches = how && matchesRequest(statement, question, kind === 'trust');
    return matches ? [{ effect: statement.Effect, how }] : [];
  });
  if (applying.some(({ effect }) => effect === 'Deny')) return 'deny';
  if (applying.some(({ how }) => how === 'caller')) return 'allow';
  return applying.length > 0 ? 'to-account' : 'none';
}

/** By the policies of the caller itself. */
export function identityVerdict(documents: readonly PolicyDocument[], question: Question): Verdict {
  const applying = documents
    .flatMap(({ Statement }) => Statement)
    .filter(statement => matchesRequest(statement, question, false));
  if (applying.some(({ Effect }) => Effect === 'Deny')) return 'deny';
  return applying.length > 0 ? 'allow' : 'none';
}

/**
 * The asked addresses in pieces, each of which every condition of the documents judges as one. A block is let
 * in when each piece is.
 */
export function piecesOf(asked: AddressSet, documents: readonly PolicyDocument[]): readonly AddressSet[] {
  const lists = documents.flatMap(({ Statement }) =>
    Statement.flatMap(({ Condition }) => addressListsOf(Condition)),
  );
  return lists.reduce<readonly AddressSet[]>(
    (pieces, list) =>
      pieces
        .flatMap(piece =>
          list.covers(piece) || !list.overlaps(piece)
            ? [piece]
            : [piece.intersection(list), piece.difference(list)],
        )
        .filter(piece => !piece.isEmpty),
    [asked],
  );
}

function matchesRequest(statement: Statement, question: Question, withoutResource: boolean): boolean {
  const { Action, NotAction, Resource, NotResource, Condition } = statement;
  const isAction = (pattern: string) => isLike(pattern.toLowerCase(), question.action.toLowerCase());
  const isResource = (pattern: string) => isLike(pattern, question.resource);
  const acts = NotAction === undefined ? listOf(Action).some(isAction) : !listOf(NotAction).some(isAction);
  if (!acts) return false;
  const meant =
    NotResource !== undefined
      ? !listOf(NotResource).some(isResource)
      : Resource === undefined
        ? withoutResource
        : listOf(Resource).some(isResource);
  return meant && conditionsHold(Condition, question.context);
}

/** Whether a statement means the caller itself, or its whole account; undefined when neither. */
function matchOf(
  { Effect, Principal, NotPrincipal }: Statement,
  caller: Caller,
): 'caller' | 'account' | undefined {
  if (NotPrincipal !== undefined) throw new Error('the lab does not know NotPrincipal');
  const names = awsNames(Principal);
  if (names.some(name => name === '*' || [caller.id, caller.arn, callingArn(caller)].includes(name)))
    return 'caller';
  if (!names.some(name => wholeAccount(name) === caller.account)) return undefined;
  // Denying an account denies everyone in it.
  return Effect === 'Deny' ? 'caller' : 'account';
}

function awsNames(principal: Principal | undefined): readonly string[] {
  if (principal === undefined) return [];
  return principal === '*' ? ['*'] : listOf(principal.AWS);
}
