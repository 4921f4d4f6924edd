/** The requests that this gate makes of Access Context Manager v1. Google's package for it is not needed for six. */
import type { z } from 'zod';
import type { Transport } from '../../transport/transport.ts';
import { GoogleAnswerError, GoogleApiError, sendJson } from './http.ts';
import { basicBody } from './level-body.ts';
import type { LevelName } from './names.ts';
import {
  type LevelAnswer,
  levelAnswer,
  type OperationAnswer,
  operationAnswer,
  type PerimeterAnswer,
  perimeterAnswer,
  permissionsAnswer,
  policyAnswer,
} from './schema.ts';
import type { TokenSource } from './token-source.ts';

export const googleEndpoint = 'https://accesscontextmanager.googleapis.com';

export interface LevelClient {
  /** Undefined when there is no such level. */
  getLevel(): Promise<LevelAnswer | undefined>;
  /** Makes the level. Throws an UnsendableListError when the list must not be sent. */
  createLevel(subnetworks: readonly string[]): Promise<OperationAnswer>;
  /** Changes the level's conditions and nothing else. Throws an UnsendableListError when the list must not be sent. */
  patchLevel(subnetworks: readonly string[]): Promise<OperationAnswer>;
  getOperation(name: string): Promise<OperationAnswer>;
  getPerimeter(name: string): Promise<PerimeterAnswer>;
  /** Throws a GoogleApiError when there is none, or none to see. */
  getPolicy(): Promise<void>;
  /** Which of these the caller has on the resource. */
  testPermissions(resource: string, permissions: readonly string[]): Promise<readonly string[]>;
}

export interface ClientOptions {
  readonly name: LevelName;
  readonly transport: Transport;
  readonly tokens: TokenSource;
  readonly endpoint: string;
}

export function createLevelClient({ name, transport, tokens, endpoint }: ClientOptions): LevelClient {
  const base = `${endpoint.replace(/\/+$/, '')}/v1`;
  const get = <Answer>(path: string, schema: z.ZodType<Answer>) =>
    sendJson(transport, tokens, { method: 'GET', url: `${base}/${path}` }, schema);
  const write = (method: 'POST' | 'PATCH', path: string, json: unknown) =>
    sendJson(transport, tokens, { method, url: `${base}/${path}`, json, maxRetries: 0 }, operationAnswer);

  return {
    async getLevel() {
      try {
        const level = await get(`${name.level}?accessLevelFormat=AS_DEFINED`, levelAnswer);
        if (level.name !== name.level) {
          throw new GoogleAnswerError(`the answer is about ${level.name.slice(0, 200)}`);
        }
        return level;
      } catch (error) {
        // A 404 of anything else than the API, such as a proxy, says nothing about the level.
        if (error instanceof GoogleApiError && error.status === 'NOT_FOUND') return undefined;
        throw error;
      }
    },
    createLevel: async subnetworks =>
      await write('POST', `${name.policy}/accessLevels`, {
        name: name.level,
        ...marks(name),
        basic: basicBody(subnetworks),
      }),
    patchLevel: async subnetworks =>
      await write('PATCH', `${name.level}?updateMask=basic`, {
        name: name.level,
        basic: basicBody(subnetworks),
      }),
    getOperation: operation => get(operation, operationAnswer),
    getPerimeter: perimeter => get(perimeter, perimeterAnswer),
    getPolicy: async () => {
      await get(name.policy, policyAnswer);
    },
    testPermissions: async (resource, permissions) => {
      const url = `${base}/${resource}:testIamPermissions`;
      const question = { method: 'POST', url, json: { permissions } } as const;
      return (await sendJson(transport, tokens, question, permissionsAnswer)).permissions ?? [];
    },
  };
}

/** Whose the level is, for whoever meets it in the console. A title must be unique within the policy. */
export function marks({ id }: LevelName): { readonly title: string; readonly description: string } {
  return {
    title: `Postern ${id}`,
    description:
      'The addresses that MongoDB Atlas calls a customer-managed key from. Kept by Postern; not to be edited by hand.',
  };
}
