/** The lab: Atlas, and the clouds with their sign-in services, on loopback, obeying the real rules. */
import tls from 'node:tls';
import type { Clock } from '../clock.ts';
import { AtlasAuth, type AtlasLabCredentials } from './atlas/auth.ts';
import { AtlasModel } from './atlas/model.ts';
import { RateLimits } from './atlas/rate-limit.ts';
import { atlasHandler } from './atlas/server.ts';
import { callerOf } from './aws/evaluate.ts';
import { type AwsBehaviour, AwsModel } from './aws/model.ts';
import { startAws } from './aws/server.ts';
import type { AwsCredentials } from './aws/signature.ts';
import { labCallerArn } from './aws/world.ts';
import { type AzureBehaviour, AzureModel } from './azure/model.ts';
import { type AzureCredentials, azureHandler, isEntra } from './azure/server.ts';
import { makeCertificate } from './certificate.ts';
import { Faults } from './faults.ts';
import { type GcpBehaviour, GcpModel } from './gcp/model.ts';
import { accessContextManagerHandler } from './gcp/server.ts';
import { type GcpCredentials, makeCredentials, TokenGrants, tokenHandler, tokenPath } from './gcp/token.ts';
import { type Answer, type Incoming, type LabRequest, startServer } from './http.ts';

export type { AwsBehaviour } from './aws/model.ts';
export type { AzureBehaviour } from './azure/model.ts';
export { type Fault, type FaultAct, Faults, poisons } from './faults.ts';
export type { GcpBehaviour } from './gcp/model.ts';
export type { LabRequest } from './http.ts';
export { ManualClock } from './manual-clock.ts';
export { refusals } from './refusals.ts';

export interface LabOptions {
  readonly clock: Clock;
  readonly azure?: Partial<AzureBehaviour>;
  readonly aws?: Partial<AwsBehaviour>;
  readonly gcp?: Partial<GcpBehaviour>;
  readonly ports?: {
    readonly atlas?: number;
    readonly azure?: number;
    readonly gcp?: number;
    readonly kms?: number;
    readonly iam?: number;
    readonly sts?: number;
  };
  /** Answers requests below `/lab/` on Atlas's port: the control of a lab that runs for itself. */
  control?(lab: Lab): (request: Incoming) => Answer;
}

export interface Lab {
  readonly atlas: AtlasModel;
  readonly azure: AzureModel;
  readonly gcp: GcpModel;
  readonly aws: AwsModel;
  readonly atlasAuth: AtlasAuth;
  readonly faults: Faults;
  readonly urls: {
    readonly atlas: string;
    readonly azureResourceManager: string;
    readonly azureAuthority: string;
    readonly accessContextManager: string;
    readonly googleToken: string;
    readonly kms: string;
    readonly iam: string;
    readonly sts: string;
  };
  readonly caCertificatePem: string;
  readonly credentials: {
    readonly atlas: AtlasLabCredentials;
    readonly azure: AzureCredentials;
    readonly gcp: GcpCredentials;
    readonly aws: AwsCredentials;
  };
  /** Every request that came, in order. */
  readonly requests: LabRequest[];
  close(): Promise<void>;
}

/** Not secret: they open nothing but the lab. */
const credentials = {
  atlas: {
    serviceAccount: { clientId: 'mdb_sa_id_lab', clientSecret: 'mdb_sa_sk_lab-only-secret' },
    apiKey: { publicKey: 'labkey', privateKey: 'lab-only-private-key' },
  },
  azure: {
    tenantId: '54826b22-38d6-4fb2-bad9-b7b93a3e9c5a',
    clientId: 'c0ffee00-0000-4000-8000-000000000001',
    clientSecret: 'lab-only~azure~secret',
  },
  aws: { accessKeyId: 'AKIALABONLYLABONLY01', secretAccessKey: 'lab-only/aws/secret' },
};

export async function startLab({ clock, ports, control, ...behaviours }: LabOptions): Promise<Lab> {
  const azure = new AzureModel(clock, behaviours.azure);
  const aws = new AwsModel(clock, behaviours.aws);
  const gcp = new GcpModel(clock, behaviours.gcp);
  const atlas = new AtlasModel({
    clock,
    letsIn: (key, address) => {
      switch (key.cloud) {
        case 'azure':
          return azure.letsIn(key.vaultId, address);
        case 'gcp':
          return gcp.letsIn(key, address);
        case 'aws':
          return aws.letsIn(key, address);
      }
    },
    tenantId: credentials.azure.tenantId,
  });
  const atlasAuth = new AtlasAuth(clock, credentials.atlas);
  const faults = new Faults();
  const requests: LabRequest[] = [];
  const certificate = await makeCertificate();
  const shared = { clock, faults, log: requests };

  let handleControl: ((request: Incoming) => Answer) | undefined;
  const handleAtlas = atlasHandler({ model: atlas, auth: atlasAuth, rateLimits: new RateLimits(clock) });
  const atlasServer = await startServer({
    ...shared,
    service: 'atlas',
    handle: request =>
      handleControl && request.path.startsWith('/lab/') ? handleControl(request) : handleAtlas(request),
    ...(ports?.atlas !== undefined && { port: ports.atlas }),
  });
  const azureServer = await startServer({
    ...shared,
    service: path => (isEntra(path) ? 'entra' : 'azure'),
    tls: certificate,
    handle: azureHandler(azure, credentials.azure, () => `https://localhost:${azureServer.port}`),
    ...(ports?.azure !== undefined && { port: ports.azure }),
  });
  const grants = new TokenGrants();
  const google = tokenHandler(() => googleCredentials(), grants);
  const accessContextManager = accessContextManagerHandler(gcp, grants);
  const gcpServer = await startServer({
    ...shared,
    service: path => (path === tokenPath ? 'google' : 'gcp'),
    handle: request => (request.path === tokenPath ? google(request) : accessContextManager(request)),
    ...(ports?.gcp !== undefined && { port: ports.gcp }),
  });
  const gcpUrl = `http://127.0.0.1:${gcpServer.port}`;
  let madeCredentials: ReturnType<typeof makeCredentials> | undefined;
  const googleCredentials = () => {
    madeCredentials ??= makeCredentials(gcpUrl + tokenPath);
    return madeCredentials;
  };
  const caller = callerOf(aws.directory.add(labCallerArn));
  const awsServers = await startAws(aws, credentials.aws, caller, shared, ports);

  const lab: Lab = {
    atlas,
    azure,
    gcp,
    aws,
    atlasAuth,
    faults,
    urls: {
      atlas: `http://127.0.0.1:${atlasServer.port}`,
      azureResourceManager: `https://localhost:${azureServer.port}`,
      azureAuthority: `https://localhost:${azureServer.port}`,
      accessContextManager: gcpUrl,
      googleToken: gcpUrl + tokenPath,
      ...awsServers.urls,
    },
    caCertificatePem: certificate.cert,
    credentials: {
      ...credentials,
      get gcp() {
        return googleCredentials();
      },
    },
    requests,
    close: async () => {
      const servers = [atlasServer, azureServer, gcpServer, awsServers];
      await Promise.all(servers.map(server => server.close()));
    },
  };
  handleControl = control?.(lab);
  return lab;
}

/** Has this process trust the lab's certificate, beside those that it trusts already. */
export function trustLab(lab: Pick<Lab, 'caCertificatePem'>): void {
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), lab.caCertificatePem]);
}
