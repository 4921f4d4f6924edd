/** An access level, and the perimeter around the key that it stands before, in the lab's Google Cloud. */
import { type Cidr, tryParseCidr } from '../../src/address/cidr.ts';
import { createLevelClient } from '../../src/gates/gcp-access-level/client.ts';
import { gcpAccessLevelGateOver } from '../../src/gates/gcp-access-level/index.ts';
import { parseLevelName } from '../../src/gates/gcp-access-level/names.ts';
import type { LabKey } from '../../src/lab/atlas/model.ts';
import { type AccessLevel, type GcpBehaviour, GcpModel } from '../../src/lab/gcp/model.ts';
import { accessContextManagerHandler } from '../../src/lab/gcp/server.ts';
import type { Transport } from '../../src/transport/index.ts';
import type { CloudParts, SimulatedCloud } from './cloud.ts';

export interface GcpCloudOptions extends CloudParts {
  /** Short, and different for each gate of a world. */
  readonly name: string;
  readonly behaviour: Partial<GcpBehaviour>;
  /** What the level lists at first; none: Postern is to make it. */
  readonly entries: readonly string[];
}

const policy = 'accessPolicies/830000000001';
const keyProject = 'projects/640000000001';
const serviceAccount = 'mongodb-atlas@p-abcdef0123456789.iam.gserviceaccount.com';
const writeRights = ['accesscontextmanager.accessLevels.create', 'accesscontextmanager.accessLevels.update'];

export function gcpCloud({
  clock,
  after,
  sender,
  name,
  behaviour,
  entries,
}: GcpCloudOptions): SimulatedCloud {
  const model = new GcpModel(clock, behaviour);
  const level = `${policy}/accessLevels/${name}`;
  const perimeter = `${policy}/servicePerimeters/payments`;
  const key: Extract<LabKey, { cloud: 'gcp' }> = {
    cloud: 'gcp',
    keyVersion: 'projects/payments-kms/locations/europe-west4/keyRings/a/cryptoKeys/k/cryptoKeyVersions/1',
    serviceAccount,
  };
  model.projectNumbers.set('payments-kms', keyProject.split('/')[1]!);
  model.addPolicy(policy, 'organizations/520000000001', 'default policy');
  if (entries.length > 0) {
    const conditions = [{ ipSubnetworks: [...entries] }];
    model.setLevel(level, { title: name, basic: { combiningFunction: 'OR', conditions } });
  }
  const setPerimeter = (title: string) =>
    model.setPerimeter(perimeter, {
      title,
      perimeterType: 'PERIMETER_TYPE_REGULAR',
      status: {
        resources: [keyProject],
        restrictedServices: ['cloudkms.googleapis.com'],
        ingressPolicies: [
          {
            ingressFrom: {
              identities: [`serviceAccount:${serviceAccount}`],
              sources: [{ accessLevel: level }],
            },
            ingressTo: {
              operations: [{ serviceName: 'cloudkms.googleapis.com', methodSelectors: [{ method: '*' }] }],
              resources: [keyProject],
            },
          },
        ],
      },
    });
  setPerimeter('payments');
  let perimeterTitles = 0;

  const texts = (stored: AccessLevel | undefined) =>
    stored?.basic?.conditions.flatMap(({ ipSubnetworks }) => ipSubnetworks ?? []) ?? [];
  const list = () => cidrsOf(texts(model.level(level)));
  const settings = () => {
    const { title, description } = model.level(level) ?? {};
    // Who makes the level names it.
    return JSON.stringify([title ?? '', description ?? '', perimeterTitles]);
  };
  const origin = `https://${name}.acm.invalid`;
  const handle = accessContextManagerHandler(model, { kindOf: () => 'service-account' } as never);
  const client = (transport: Transport) =>
    createLevelClient({
      name: parseLevelName(level),
      transport,
      // Google's library reads the machine's own clock for its tokens; it is tested in `test/gates`.
      tokens: { headers: async () => ({ authorization: 'Bearer simulated' }) },
      endpoint: origin,
    });

  const cloud: SimulatedCloud = {
    kind: 'gcp-access-level',
    services: [
      {
        name: 'gcp',
        origin,
        handle: request => {
          const isMade = model.level(level) !== undefined;
          const before = { before: list(), settingsBefore: settings() };
          const answer = handle(request);
          if (request.method === 'GET' && request.path.endsWith(level)) cloud.looks++;
          if (request.method === 'GET' || answer.status !== 200) return answer;
          const sent = { sender: sender(), looksWhenSent: cloud.looks };
          const takesEffect = () => {
            const settingsAfter = isMade ? settings() : before.settingsBefore;
            cloud.onWrite({ ...before, after: list(), settingsAfter, ...sent });
          };
          if (model.behaviour.operationMs === 0) takesEffect();
          else after(model.behaviour.operationMs, takesEffect);
          return answer;
        },
      },
    ],
    requests: { reads: /^GET /, writes: /^(PATCH|POST) / },
    key,
    propagationMs: model.behaviour.propagationMs + model.behaviour.operationMs,
    entries: list,
    settings,
    letsIn: address => model.letsIn(key, address),
    edit: (_by, change) => {
      if (!model.level(level)) return;
      const next = change(texts(model.level(level)));
      // An empty list lets in everyone, and nobody does that by hand.
      if (next.length === 0) return;
      model.editLevel(level, ({ basic }) => {
        basic!.conditions = [{ ipSubnetworks: [...next] }];
      });
    },
    changeSettings: (_by, random) => {
      if (random() < 0.5 || !model.level(level)) setPerimeter(`payments ${++perimeterTitles}`);
      else
        model.editLevel(level, stored => {
          stored.description = `Reviewed ${clock.now()}.`;
        });
    },
    refuseWrites: random => {
      for (const right of writeRights) {
        if (random) model.rights.delete(right as never);
        else model.rights.add(right as never);
      }
    },
    staleReads: count => {
      model.staleReads = count;
    },
    readLagMs: 0,
    readsMayBeStale: false,
    looks: 0,
    onWrite: () => {},
    configOf: common => ({
      ...common,
      kind: 'gcp-access-level',
      level,
      perimeter,
      quotaProject: undefined,
      endpoint: origin,
      credentialFile: undefined,
    }),
    openGate: async (config, { transport, clock: processClock, random }) =>
      gcpAccessLevelGateOver(client(transport), {
        name: config.name,
        level,
        perimeter,
        clock: processClock,
        random,
      }),
    replace: async (transport, change) => {
      const stored = await client(transport).getLevel();
      const next = [...change(cidrsOf(texts(stored as AccessLevel | undefined)))];
      await (stored ? client(transport).patchLevel(next) : client(transport).createLevel(next));
    },
  };
  return cloud;
}

function cidrsOf(texts: readonly string[]): readonly Cidr[] {
  return texts.flatMap(text => {
    const parsed = tryParseCidr(text, { bare: 'host', hostBits: 'mask' });
    return parsed.ok ? [parsed.cidr] : [];
  });
}
