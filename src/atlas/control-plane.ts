/**
 * The control plane's addresses: GET /api/atlas/v2/unauth/controlPlaneIPAddresses, which needs no credentials.
 * `outbound` is what a KMS must let in, of all three clouds, whatever cloud the KMS is in (MongoDB KB 12301300).
 */
import { type Address, type Cloud, clouds, type Direction } from '../address/address.ts';
import { type AtlasClient, apiVersions } from './client.ts';
import type { Observation, PreviousObservation } from './observation.ts';
import { fieldOf, isObject, kindOf, Reading, type ReadingOptions, shorten } from './reading.ts';

export const controlPlanePath = '/api/atlas/v2/unauth/controlPlaneIPAddresses';

export interface ControlPlaneOptions extends ReadingOptions {
  readonly previous: PreviousObservation | undefined;
  /** Also want the addresses of `gateways`; no source says whether the KMS is called from them. */
  readonly includeGateways: boolean;
}

/** One reading of the control plane. A fault of the feed gives an incomplete observation, never an exception. */
export async function observeControlPlane(
  client: AtlasClient,
  options: Omit<ControlPlaneOptions, 'atMs'> & { readonly now: () => number },
): Promise<Observation> {
  const reading = new Reading('control-plane');
  const onOtherTime = (error: unknown) => reading.failed(error);
  try {
    const version = apiVersions.controlPlaneIPAddresses;
    readBody(reading, await client.get(controlPlanePath, version, { anonymous: true, onOtherTime }), options);
  } catch (error) {
    reading.failed(error);
  }
  return reading.done({ id: options.id, atMs: options.now() });
}

/**
 * Parses an answer. Pure. Incomplete when `outbound` or a cloud is missing, when a section is empty that must
 * not be or was not before, and when any address is malformed or never to be let in.
 */
export function toControlPlaneObservation(body: unknown, options: ControlPlaneOptions): Observation {
  const reading = new Reading('control-plane');
  readBody(reading, body, options);
  return reading.done(options);
}

function readBody(
  reading: Reading,
  body: unknown,
  options: Pick<ControlPlaneOptions, 'previous' | 'includeGateways'>,
): void {
  const outbound = isObject(body) ? fieldOf(body, 'outbound') : undefined;
  if (!isObject(body)) {
    reading.fault('malformed', '$', `expected an object, got ${kindOf(body)}.`);
  } else if (outbound === undefined || outbound === null) {
    reading.fault(
      'missing-section',
      'outbound',
      'the answer has no `outbound`; that is never taken for an empty list.',
    );
  } else if (!isObject(outbound)) {
    reading.fault('malformed', 'outbound', `expected an object, got ${kindOf(outbound)}.`);
  } else {
    readClouds(reading, outbound);
    findEmptied(reading, options.previous);
  }
  if (isObject(body)) {
    if (options.includeGateways) readGateways(reading, fieldOf(body, 'gateways'), options.previous);
    else mentionGateways(reading, fieldOf(body, 'gateways'));
  }
}

/** Every address of an answer in both directions, malformed ones left out: for `postern ips`. Pure. */
export function listControlPlane(body: unknown): readonly Address[] {
  if (!isObject(body)) return [];
  return (['outbound', 'inbound'] as const).flatMap(direction => {
    const reading = new Reading('control-plane');
    const section = fieldOf(body, direction);
    if (isObject(section)) readClouds(reading, section, direction);
    return reading.done({ id: '', atMs: 0 }).addresses;
  });
}

function readClouds(
  reading: Reading,
  section: Readonly<Record<string, unknown>>,
  direction: Direction = 'outbound',
): void {
  for (const cloud of clouds) {
    const regions = fieldOf(section, cloud);
    const place = `${direction}.${cloud}`;
    if (regions === undefined || regions === null) {
      reading.fault(
        'missing-section',
        place,
        `the answer has no ${place}; Atlas calls a KMS from all three clouds.`,
      );
    } else {
      readRegions(reading, regions, place, cloud, { direction, cloud });
    }
  }
  for (const name of Object.keys(section).filter(name => !(clouds as readonly string[]).includes(name))) {
    const place = `${direction}.${name}`;
    // Its addresses are let in; until Postern knows the cloud it cannot tell whether all of them are there.
    reading.fault('malformed', place, 'a cloud that this Postern does not know; upgrade it.');
    reading.finding({
      id: 'unknown-cloud',
      severity: 'warning',
      message: `Atlas lists addresses of a cloud that this Postern does not know, ${shorten(name)}; they are let in, and nothing is removed.`,
      remedy: 'Upgrade Postern.',
    });
    readRegions(reading, section[name], place, name, { direction });
  }
}

function readRegions(
  reading: Reading,
  regions: unknown,
  place: string,
  cloud: string,
  provenance: { direction: Direction; cloud?: Cloud },
): void {
  if (!isObject(regions)) {
    reading.fault('malformed', place, `expected an object of regions, got ${kindOf(regions)}.`);
    return;
  }
  const names = Object.keys(regions);
  for (const region of names) {
    const from = { ...provenance, region, future: false };
    reading.list(regions[region], `${place}.${region}`, `${cloud}/${region}`, from, 'refuse');
  }
  if (names.every(region => reading.countOf(`${cloud}/${region}`) === 0)) {
    reading.fault(
      'emptied-section',
      place,
      `${place} lists no address; Atlas calls a KMS from all three clouds.`,
    );
  }
}

/** A region that is there and empty is not believed when it had addresses; one that is gone takes the slow road. */
function findEmptied(reading: Reading, previous: PreviousObservation | undefined): void {
  for (const [section, count] of Object.entries(previous?.sections ?? {})) {
    if (count === 0 || section.startsWith('gateways/')) continue;
    const place = `outbound.${section.replace('/', '.')}`;
    if (!reading.sections.includes(section)) {
      reading.finding({
        id: 'region-gone',
        severity: 'info',
        message: `${place}, which listed ${count} addresses, is not in the answer any more.`,
      });
    } else if (reading.countOf(section) === 0) {
      reading.fault('emptied-section', place, `it is empty; it listed ${count} addresses before.`);
    }
  }
}

/** Groups of addresses beside the control plane's own, in the API since August 2026: left out, and told. */
function mentionGateways(reading: Reading, gateways: unknown): void {
  if (!Array.isArray(gateways) || gateways.length === 0) return;
  const names = gateways.slice(0, maxGateways).map((gateway, index) => shorten(gatewayName(gateway, index)));
  reading.finding({
    id: 'gateways-not-included',
    severity: 'info',
    message: `Atlas lists gateway groups too (${names.join(', ')}). MongoDB does not say that they call a KMS, so they are left out.`,
    remedy: 'Set `includeGateways: true` under `atlas` to let them in as well.',
  });
}

/** The API's description allows 25. */
const maxGateways = 100;

/** Wanted once, they are kept as carefully as the rest: what is missing or empty is not believed. */
function readGateways(reading: Reading, gateways: unknown, previous: PreviousObservation | undefined): void {
  const before = Object.entries(previous?.sections ?? {}).filter(
    ([section, count]) => section.startsWith('gateways/') && count > 0,
  );
  const list = gateways ?? [];
  if (!Array.isArray(list) || list.length > maxGateways) {
    reading.fault('malformed', 'gateways', `expected a short list of groups, got ${kindOf(list)}.`);
    return;
  }
  if (list.length === 0 && before.length > 0) {
    reading.fault('missing-section', 'gateways', `no group is listed; ${before.length} were before.`);
  }
  for (const [index, gateway] of list.entries()) {
    const ips = isObject(gateway) ? fieldOf(gateway, 'ips') : undefined;
    const outbound = isObject(ips) ? fieldOf(ips, 'outbound') : undefined;
    const name = gatewayName(gateway, index);
    reading.section(`gateways/${name}`);
    for (const [place, addresses] of flatten(outbound, `gateways[${index}].ips.outbound`)) {
      const from = { direction: 'outbound', future: false, gateway: name } as const;
      reading.list(addresses, place, `gateways/${name}`, from, 'host');
    }
  }
  const listed = new Set(reading.sections);
  for (const [section, count] of before) {
    if (!listed.has(section)) {
      reading.finding({
        id: 'gateway-gone',
        severity: 'info',
        message: `${shorten(section)}, which listed ${count} addresses, is not in the answer any more.`,
      });
    } else if (reading.countOf(section) === 0) {
      reading.fault('emptied-section', section, `it is empty; it listed ${count} addresses before.`);
    }
  }
}

function gatewayName(gateway: unknown, index: number): string {
  const name = isObject(gateway) ? fieldOf(gateway, 'name') : undefined;
  return typeof name === 'string' ? name : `#${index}`;
}

/** The shape under `outbound` of a gateway is not documented: a list, or lists by region, or by cloud and region. */
function flatten(
  value: unknown,
  place: string,
  depth = 0,
): readonly (readonly [place: string, list: unknown])[] {
  if (!isObject(value) || depth > 2) return [[place, value]];
  return Object.keys(value).flatMap(key => flatten(value[key], `${place}.${key}`, depth + 1));
}
