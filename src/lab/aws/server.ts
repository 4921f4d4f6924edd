/** KMS, IAM and STS, each on a port of its own. Plain HTTP, which AWS's SDK speaks where it is told to. */
import { type Answer, type Incoming, type LabServer, type ServerOptions, startServer } from '../http.ts';
import type { Caller } from './evaluate.ts';
import { iamService } from './iam-server.ts';
import { kmsHandler, kmsOperation } from './kms-server.ts';
import type { AwsModel } from './model.ts';
import { queryHandler, queryOperation } from './query-server.ts';
import type { AwsCredentials, SigningKey } from './signature.ts';
import { stsService } from './sts-server.ts';

export interface AwsServers {
  readonly urls: { readonly kms: string; readonly iam: string; readonly sts: string };
  close(): Promise<void>;
}

export async function startAws(
  model: AwsModel,
  credentials: AwsCredentials,
  caller: Caller,
  shared: Pick<ServerOptions, 'clock' | 'faults' | 'log'>,
  ports: { readonly kms?: number; readonly iam?: number; readonly sts?: number } = {},
): Promise<AwsServers> {
  const keys = new Map<string, SigningKey>([[credentials.accessKeyId, { ...credentials, caller }]]);
  const start = (
    service: 'kms' | 'iam' | 'sts',
    handle: (request: Incoming) => Answer,
    operationOf: NonNullable<ServerOptions['operationOf']>,
  ): Promise<LabServer> => {
    const port = ports[service];
    return startServer({ ...shared, service, handle, operationOf, ...(port !== undefined && { port }) });
  };
  const servers = await Promise.all([
    start('kms', kmsHandler(model, keys), kmsOperation),
    start('iam', queryHandler(iamService(model), model, keys), queryOperation),
    start('sts', queryHandler(stsService(model, keys), model, keys), queryOperation),
  ]);
  const [kmsUrl, iamUrl, stsUrl] = servers.map(({ port }) => `http://127.0.0.1:${port}`);
  return {
    urls: { kms: kmsUrl!, iam: iamUrl!, sts: stsUrl! },
    close: async () => {
      await Promise.all(servers.map(server => server.close()));
    },
  };
}
