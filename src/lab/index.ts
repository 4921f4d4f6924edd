/** The lab: Atlas, Azure Resource Manager and Microsoft Entra on loopback, obeying the real rules. */
import tls from 'node:tls';
import type { Clock } from '../clock.ts';
import { AtlasAuth, type AtlasLabCredentials } from './atlas/auth.ts';
import { AtlasModel } from './atlas/model.ts';
import { RateLimits } from './atlas/rate-limit.ts';
import { atlasHandler } from './atlas/server.ts';
import { type AzureBehaviour, AzureModel } from './azure/model.ts';
import { type AzureCredentials, azureHandler, isEntra } from './azure/server.ts';
import { makeCertificate } from './certificate.ts';
import { Faults } from './faults.ts';
import { type Answer, type Incoming, type LabRequest, startServer } from './http.ts';

export type { AzureBehaviour } from './azure/model.ts';
export { type Fault, type FaultAct, Faults, poisons } from './faults.ts';
export type { LabRequest } from './http.ts';
export { ManualClock } from './manual-clock.ts';
export { refusals } from './refusals.ts';

export interface LabOptions {
  readonly clock: Clock;
  readonly azure?: Partial<AzureBehaviour>;
  readonly ports?: { readonly atlas?: number; readonly azure?: number };
  /** Answers requests below `/lab/` on Atlas's port: the control of a lab that runs for itself. */
  control?(lab: Lab): (request: Incoming) => Answer;
}

export interface Lab {
  readonly atlas: AtlasModel;
  readonly azure: AzureModel;
  readonly atlasAuth: AtlasAuth;
  readonly faults: Faults;
  readonly urls: {
    readonly atlas: string;
    readonly azureResourceManager: string;
    readonly azureAuthority: string;
  };
  readonly caCertificatePem: string;
  readonly credentials: { readonly atlas: AtlasLabCredentials; readonly azure: AzureCredentials };
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
};

export async function startLab({ clock, azure: behaviour, ports, control }: LabOptions): Promise<Lab> {
  const azure = new AzureModel(clock, behaviour);
  const atlas = new AtlasModel({
    clock,
    letsIn: (key, address) => key.cloud === 'azure' && azure.letsIn(key.vaultId, address),
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

  const lab: Lab = {
    atlas,
    azure,
    atlasAuth,
    faults,
    urls: {
      atlas: `http://127.0.0.1:${atlasServer.port}`,
      azureResourceManager: `https://localhost:${azureServer.port}`,
      azureAuthority: `https://localhost:${azureServer.port}`,
    },
    caCertificatePem: certificate.cert,
    credentials,
    requests,
    close: async () => {
      await Promise.all([atlasServer.close(), azureServer.close()]);
    },
  };
  handleControl = control?.(lab);
  return lab;
}

/** Has this process trust the lab's certificate, beside those that it trusts already. */
export function trustLab(lab: Pick<Lab, 'caCertificatePem'>): void {
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), lab.caCertificatePem]);
}
