/** What `postern doctor` asks of this gate: rights, tested and not assumed, without writing. */
import type { Finding } from '../../finding.ts';
import type { LevelClient } from './client.ts';
import { explain } from './errors.ts';
import { GoogleApiError } from './http.ts';
import type { LevelName } from './names.ts';

const rights = {
  get: 'accesscontextmanager.accessLevels.get',
  update: 'accesscontextmanager.accessLevels.update',
  create: 'accesscontextmanager.accessLevels.create',
  policy: 'accesscontextmanager.policies.get',
  perimeter: 'accesscontextmanager.servicePerimeters.get',
} as const;

export interface Diagnosed {
  readonly gate: string;
  readonly name: LevelName;
  readonly perimeter: string | undefined;
  readonly client: LevelClient;
}

export async function diagnoseLevel({
  gate,
  name,
  perimeter,
  client,
}: Diagnosed): Promise<readonly Finding[]> {
  const exists = await levelExists(client);
  const asked: (readonly [resource: string, permissions: readonly string[]])[] = [
    [name.policy, exists ? [rights.policy] : [rights.policy, rights.create]],
    ...(exists ? [[name.level, [rights.get, rights.update]] as const] : []),
    ...(perimeter === undefined ? [] : [[perimeter, [rights.perimeter]] as const]),
  ];
  return (await Promise.all(asked.map(question => ask(gate, client, ...question)))).flat();
}

/** A level that cannot be read is reported by `read`; here it is taken as one that is there. */
async function levelExists(client: LevelClient): Promise<boolean> {
  try {
    return (await client.getLevel()) !== undefined;
  } catch {
    return true;
  }
}

async function ask(
  gate: string,
  client: LevelClient,
  resource: string,
  permissions: readonly string[],
): Promise<readonly Finding[]> {
  try {
    const held = new Set(await client.testPermissions(resource, permissions));
    return permissions
      .filter(permission => !held.has(permission))
      .map(permission => lacking(permission, resource));
  } catch (error) {
    // Google does not say of every permission on every resource whether it can be asked.
    if (error instanceof GoogleApiError && error.status === 'INVALID_ARGUMENT') {
      return [cannotTest(permissions, resource, 'Google does not answer the question')];
    }
    const { message, remedy } = explain(gate, 'rights cannot be tested', error, rights.policy);
    return [
      {
        ...cannotTest(permissions, resource, message),
        severity: 'warning',
        ...(remedy !== undefined && { remedy }),
      },
    ];
  }
}

function lacking(permission: string, resource: string): Finding {
  const why: Record<string, string> = {
    [rights.get]: 'the list cannot be read',
    [rights.update]: 'nothing can be added or removed',
    [rights.create]: 'the level cannot be made',
    [rights.policy]: 'a wrong policy number cannot be told from a level that does not exist yet',
    [rights.perimeter]: 'whether the list is in force cannot be seen',
  };
  const isVital = permission !== rights.policy && permission !== rights.perimeter;
  return {
    id: 'right-lacking',
    severity: isVital ? 'error' : 'warning',
    message: `${permission} is lacking on ${resource}: ${why[permission]}.`,
    remedy: 'Add it to the custom role of the identity that Postern runs as, on the access policy.',
  };
}

function cannotTest(permissions: readonly string[], resource: string, because: string): Finding {
  return {
    id: 'rights-not-tested',
    severity: 'info',
    message: `Whether ${permissions.join(' and ')} ${permissions.length === 1 ? 'is' : 'are'} held on ${resource} cannot be tested without writing: ${because}.`,
  };
}
