/** An access level of the lab, and a gate on it with Google's own library for the tokens. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { parseCidr } from '../../../src/address/cidr.ts';
import {
  createGcpAccessLevelGate,
  type GcpAccessLevelOptions,
} from '../../../src/gates/gcp-access-level/index.ts';
import type { LabProject } from '../../../src/lab/atlas/model.ts';
import { labOrganizationId } from '../../../src/lab/default-world.ts';
import type { AccessLevel, PerimeterConfig, ServicePerimeter } from '../../../src/lab/gcp/model.ts';
import { gcpWorld, labLevel, labPerimeter } from '../../../src/lab/gcp/world.ts';
import {
  type GcpBehaviour,
  type Lab,
  type LabRequest,
  ManualClock,
  startLab,
} from '../../../src/lab/index.ts';
import { createTransport, type Transport } from '../../../src/transport/index.ts';
import { startMs } from '../../lab/client.ts';
import type { GateSubject } from '../specification.ts';

export interface GcpSubject extends GateSubject {
  readonly lab: Lab;
  readonly clock: ManualClock;
  readonly project: LabProject;
  readonly folder: string;
  /** The level as the model holds it; undefined when there is none. */
  level(): AccessLevel | undefined;
  edit(change: (level: AccessLevel) => void): void;
  /** Changes what the perimeter enforces, and whatever else of it. */
  editPerimeter(change: (status: PerimeterConfig, perimeter: any) => void): void;
  openWith(
    options: Partial<GcpAccessLevelOptions>,
    mode?: 'read-only' | 'read-write',
  ): ReturnType<typeof createGcpAccessLevelGate>;
  /** What gates sent to Access Context Manager and to the token server. */
  readonly sent: {
    readonly method: string;
    readonly url: string;
    readonly headers: Record<string, string>;
    readonly body: any;
  }[];
}

export async function openGcpSubject(behaviour: Partial<GcpBehaviour> = {}): Promise<GcpSubject> {
  const clock = new ManualClock(startMs);
  const lab = await startLab({ clock, gcp: behaviour });
  const folder = mkdtempSync(join(tmpdir(), 'postern-gcp-'));
  onTestFinished(async () => {
    await lab.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const project = gcpWorld(lab, labOrganizationId);
  const { serviceAccountKey, userCredentials } = lab.credentials.gcp;
  const keyFile = join(folder, 'key.json');
  writeFileSync(keyFile, serviceAccountKey);
  writeFileSync(join(folder, 'user.json'), userCredentials);
  let perimeter: ServicePerimeter = lab.gcp.getPerimeter(labPerimeter);
  const level = () => lab.gcp.level(labLevel);
  const edit = (change: (level: AccessLevel) => void) => lab.gcp.editLevel(labLevel, change);
  const texts = () => (level()?.basic?.conditions ?? []).flatMap(({ ipSubnetworks }) => ipSubnetworks ?? []);
  const sent: { method: string; url: string; headers: Record<string, string>; body: any }[] = [];
  const recorded = (transport: Transport): Transport => ({
    ...transport,
    send: request => {
      const { method, url, headers, body } = request;
      const isJson = headers['content-type'] === 'application/json';
      sent.push({ method, url, headers: { ...headers }, body: isJson ? JSON.parse(String(body)) : body });
      return transport.send(request);
    },
  });
  const openWith: GcpSubject['openWith'] = (options, mode = 'read-write') =>
    createGcpAccessLevelGate({
      name: 'payments-level',
      level: labLevel,
      perimeter: labPerimeter,
      quotaProject: undefined,
      endpoint: lab.urls.accessContextManager,
      credentialFile: keyFile,
      clock,
      random: () => 0.5,
      transport: recorded(createTransport({ clock, random: () => 0.5, mode })),
      ...options,
    });
  return {
    lab,
    clock,
    project,
    folder,
    level,
    edit,
    editPerimeter: change => {
      const { name: _, etag: __, ...next } = structuredClone(perimeter);
      change(next.status!, next);
      lab.gcp.setPerimeter(labPerimeter, next);
      perimeter = { ...perimeter, ...next };
    },
    sent,
    openWith,
    openGate: async mode => openWith({}, mode),
    faults: lab.faults,
    requests: lab.requests,
    service: 'gcp',
    isWrite: ({ service, method, path }: LabRequest) =>
      service === 'gcp' && method !== 'GET' && !path.endsWith(':testIamPermissions'),
    texts,
    entries: () => texts().map(text => parseCidr(text, { bare: 'host', hostBits: 'mask' })),
    others: () => {
      const { basic: _, ...level_ } = level() ?? {};
      return [level_, lab.gcp.level(`${labLevel.slice(0, labLevel.lastIndexOf('/'))}/office`), perimeter];
    },
    someoneAdds: text => edit(level => level.basic!.conditions.at(-1)!.ipSubnetworks!.push(text)),
    someoneRemoves: text =>
      edit(level => {
        for (const condition of level.basic!.conditions) {
          condition.ipSubnetworks = condition.ipSubnetworks!.filter(present => present !== text);
        }
      }),
    oddSpellings: [{ text: '2600:1F16:0:0::/36', cidr: '2600:1f16::/36', kept: '2600:1F16:0:0::/36' }],
    staleReads: count => {
      lab.gcp.staleReads = count;
    },
    comparesAndSets: false,
    secrets: [
      JSON.parse(serviceAccountKey).private_key,
      /PRIVATE KEY/,
      /ya29\.lab\.[0-9a-f]{8}/,
      /lab-only-/,
    ],
  };
}
