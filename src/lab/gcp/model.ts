/**
 * Access Context Manager, as far as access levels and perimeters go. The rules stand in its discovery document
 * and on Google's pages; where nobody has recorded what it does, `GcpBehaviour` lets a test have it either way.
 */
import { createHash, randomUUID } from 'node:crypto';
import { parseCidr } from '../../address/cidr.ts';
import type { Clock } from '../../clock.ts';
import type { LabKey } from '../atlas/model.ts';
import { storedLevel } from './access-level.ts';
import { defaultBehaviour, type GcpBehaviour } from './behaviour.ts';
import { type Call, letsThrough } from './evaluate.ts';
import { GoogleError, invalid, permissionDenied } from './google-error.ts';
import type { AccessLevel, AccessPolicy, ServicePerimeter, Snapshot } from './resources.ts';

export { defaultBehaviour, type GcpBehaviour } from './behaviour.ts';
export { GoogleError } from './google-error.ts';
export type { AccessLevel, AccessPolicy, Condition, PerimeterConfig, ServicePerimeter } from './resources.ts';

export const permissions = [
  'accesscontextmanager.policies.get',
  'accesscontextmanager.policies.list',
  'accesscontextmanager.accessLevels.get',
  'accesscontextmanager.accessLevels.list',
  'accesscontextmanager.accessLevels.create',
  'accesscontextmanager.accessLevels.update',
  'accesscontextmanager.accessLevels.replaceAll',
  'accesscontextmanager.servicePerimeters.get',
  'accesscontextmanager.servicePerimeters.list',
] as const;
export type Permission = (typeof permissions)[number];

export interface Operation {
  readonly name: string;
  readonly done: boolean;
  readonly error?: object;
  readonly response?: object;
}

interface Pending {
  readonly name: string;
  readonly policy: string;
  readonly doneAtMs: number;
  readonly outcome: { readonly error: GoogleError } | Change;
}

/** What an operation does once it is done, to what is stored by then. */
interface Change {
  apply(levels: ReadonlyMap<string, AccessLevel>): ReadonlyMap<string, AccessLevel>;
  readonly response: object;
}

/** https://cloud.google.com/access-context-manager/quotas */
const maxLevels = 500;
const maskPaths = ['title', 'description', 'basic', 'custom', 'basic.conditions', 'basic.combiningFunction'];

export class GcpModel {
  readonly #clock: Clock;
  readonly #policies = new Map<string, AccessPolicy>();
  /** What is stored, from when on it is in force; the last is what reads show. */
  readonly #snapshots: { readonly fromMs: number; readonly snapshot: Snapshot }[] = [
    { fromMs: Number.NEGATIVE_INFINITY, snapshot: { levels: new Map(), perimeters: new Map() } },
  ];
  #pending: Pending | undefined;
  readonly #operations = new Map<string, Pending>();
  readonly #calls: { reads: number[]; writes: number[] } = { reads: [], writes: [] };
  behaviour: GcpBehaviour;
  /** What the caller's role allows. */
  rights = new Set<Permission>(permissions);
  /** How many of the next reads of a level show what was stored before the newest change. */
  staleReads = 0;
  /** The operation of the next write ends with this. */
  nextOperationFails: GoogleError | undefined;
  /** Numbers of projects by their ids: perimeters know the former, keys are named by the latter. */
  readonly projectNumbers = new Map<string, string>();

  constructor(clock: Clock, behaviour: Partial<GcpBehaviour> = {}) {
    this.#clock = clock;
    this.behaviour = { ...defaultBehaviour, ...behaviour };
  }

  addPolicy(name: string, parent: string, title: string): void {
    this.#policies.set(name, { name, parent, title, etag: etagOf(randomUUID()) });
  }

  /** Someone else puts or takes out a level, with the console say; it is in force at once. */
  setLevel(name: string, level: Omit<AccessLevel, 'name'> | undefined): void {
    const levels = new Map(this.#stored.levels);
    if (level) levels.set(name, { name, ...structuredClone(level) });
    else levels.delete(name);
    this.#store({ ...this.#stored, levels }, 0);
  }

  /** Someone else changes a level; it is in force as late as any write. */
  editLevel(name: string, change: (level: AccessLevel) => void): void {
    const level = structuredClone(this.#stored.levels.get(name));
    if (!level) throw new Error(`there is no ${name}`);
    change(level);
    const levels = new Map(this.#stored.levels).set(name, level);
    this.#store({ ...this.#stored, levels }, this.behaviour.propagationMs);
  }

  /** The organization's administrators set a perimeter; it is in force at once. */
  setPerimeter(name: string, perimeter: Omit<ServicePerimeter, 'name' | 'etag'>): void {
    const set = { ...structuredClone(perimeter), name, etag: etagOf(randomUUID()) };
    const perimeters = new Map(this.#stored.perimeters).set(name, set);
    this.#store({ ...this.#stored, perimeters }, 0);
  }

  level(name: string): AccessLevel | undefined {
    return structuredClone(this.#stored.levels.get(name));
  }

  // The API. Each throws a GoogleError.

  listPolicies(parent: string | null): readonly AccessPolicy[] {
    this.#read('policies.list', parent ?? 'organizations');
    if (!parent) throw invalid('The parent must be given: organizations/{organization_id}.');
    return [...this.#policies.values()].filter(policy => policy.parent === parent);
  }

  getPolicy(name: string): AccessPolicy {
    this.#read('policies.get', name);
    return structuredClone(this.#policy(name));
  }

  getLevel(name: string): AccessLevel {
    this.#read('accessLevels.get', name);
    const { levels } = this.#stored;
    if (this.staleReads > 0 && this.#snapshots.length > 1) {
      this.staleReads--;
      return structuredClone(this.#find(this.#snapshots.at(-2)!.snapshot.levels, name));
    }
    return structuredClone(this.#find(levels, name));
  }

  listLevels(policy: string): readonly AccessLevel[] {
    this.#read('accessLevels.list', policy);
    this.#policy(policy);
    return below(this.#stored.levels, policy);
  }

  getPerimeter(name: string): ServicePerimeter {
    this.#read('servicePerimeters.get', name);
    return structuredClone(this.#find(this.#stored.perimeters, name));
  }

  listPerimeters(policy: string): readonly ServicePerimeter[] {
    this.#read('servicePerimeters.list', policy);
    this.#policy(policy);
    return below(this.#stored.perimeters, policy);
  }

  getOperation(name: string): Operation {
    this.#count('reads');
    const operation = this.#operations.get(name);
    if (!operation) throw new GoogleError('NOT_FOUND', `Operation '${name}' not found.`);
    return this.#show(operation);
  }

  createLevel(policy: string, given: AccessLevel): Operation {
    this.#write('accessLevels.create', policy);
    const { name } = given;
    if (typeof name !== 'string' || !name.startsWith(`${policy}/accessLevels/`)) {
      throw invalid(`The name of the access level must begin with '${policy}/accessLevels/'.`);
    }
    const { levels } = this.#stored;
    if (levels.has(name)) {
      throw new GoogleError('ALREADY_EXISTS', `Level '${name}' already exists and cannot be created.`);
    }
    if (below(levels, policy).length >= maxLevels) {
      throw new GoogleError('RESOURCE_EXHAUSTED', `The policy has ${maxLevels} access levels already.`);
    }
    return this.#begin(policy, () => this.#withLevel(given));
  }

  patchLevel(name: string, given: Partial<AccessLevel>, updateMask: string | null): Operation {
    this.#write('accessLevels.update', name);
    const level = structuredClone(this.#find(this.#stored.levels, name)) as any;
    const paths = (updateMask ?? '').split(',').filter(Boolean).map(toCamel);
    if (paths.length === 0) throw invalid('The update_mask must be given and must not be empty.');
    const odd = paths.find(path => !maskPaths.includes(path));
    if (odd !== undefined)
      throw invalid(`The update_mask holds '${odd}', which is not a field of an access level.`);
    for (const path of paths) {
      const [top = '', below] = path.split('.');
      const value = (given as any)[top];
      if (below !== undefined) level[top] = { ...level[top], [below]: value?.[below] };
      else if (value === undefined) delete level[top];
      else level[top] = value;
      if (top === 'basic') delete level.custom;
      if (top === 'custom') delete level.basic;
    }
    return this.#begin(policyOf(name), () => this.#withLevel(level));
  }

  /** Puts these in the place of all levels of the policy, if the policy is still at `etag`. */
  replaceLevels(policy: string, given: readonly AccessLevel[], etag: string | undefined): Operation {
    this.#write('accessLevels.replaceAll', policy);
    if (etag !== undefined && etag !== this.#policy(policy).etag) {
      throw new GoogleError(
        this.behaviour.etagMismatch,
        'The etag provided does not match the current etag.',
      );
    }
    return this.#begin(policy, () => {
      const names = new Set(given.map(({ name }) => name));
      const stored = given.map(level => storedLevel(this.behaviour, level, name => names.has(name)));
      const apply: Change['apply'] = levels => {
        const others = [...levels].filter(([name]) => !name.startsWith(`${policy}/`));
        return new Map([...others, ...stored.map(level => [level.name, level] as const)]);
      };
      return { apply, response: { accessLevels: stored } };
    });
  }

  /** Which of these the caller has. */
  testPermissions(resource: string, asked: readonly string[]): readonly string[] {
    this.#count('reads');
    const [, , collection] = resource.split('/');
    if (collection === undefined) this.#policy(resource);
    else this.#find(collection === 'accessLevels' ? this.#stored.levels : this.#stored.perimeters, resource);
    const unknown = asked.find(name => !(permissions as readonly string[]).includes(name));
    if (unknown !== undefined) throw invalid(`Permission ${unknown} is not valid for this resource.`);
    const own = collection ?? 'policies';
    const other = asked.find(name => name.split('.')[1] !== own);
    if (other !== undefined && this.behaviour.permissionsOfOthers === 'refused') {
      throw invalid(`Permission ${other} is not valid for this resource.`);
    }
    return asked.filter(name => this.rights.has(name as Permission));
  }

  /** Whether Cloud KMS answers Atlas at this address, or whole block, by what is in force now. */
  letsIn(key: Extract<LabKey, { cloud: 'gcp' }>, address: string): boolean {
    this.#settle();
    const project = key.keyVersion.split('/')[1] ?? '';
    const call: Call = {
      address: parseCidr(address, { bare: 'host' }),
      identity: `serviceAccount:${key.serviceAccount}`,
      project: `projects/${this.projectNumbers.get(project) ?? project}`,
    };
    const nowMs = this.#clock.now();
    const newest = this.#snapshots.findLastIndex(({ fromMs }) => fromMs <= nowMs);
    const atOnce = this.behaviour.removals === 'at-once';
    const judges = atOnce ? this.#snapshots.slice(newest) : [this.#snapshots[newest]!];
    return judges.every(({ snapshot }) => letsThrough(snapshot, call));
  }

  /** The levels by which ingress rules let in Atlas's service account. */
  levelsFor({ serviceAccount }: Extract<LabKey, { cloud: 'gcp' }>): readonly string[] {
    const rules = [...this.#stored.perimeters.values()].flatMap(
      ({ status }) => status?.ingressPolicies ?? [],
    );
    const names = rules
      .filter(({ ingressFrom }) => ingressFrom?.identities?.includes(`serviceAccount:${serviceAccount}`))
      .flatMap(
        ({ ingressFrom }) => ingressFrom?.sources?.flatMap(({ accessLevel }) => accessLevel ?? []) ?? [],
      );
    return [...new Set(names)].filter(name => this.#stored.levels.has(name));
  }

  get #stored(): Snapshot {
    this.#settle();
    return this.#snapshots.at(-1)!.snapshot;
  }

  /** Ends the operation that is due. */
  #settle(): void {
    const due = this.#pending;
    if (!due || due.doneAtMs > this.#clock.now()) return;
    this.#pending = undefined;
    if ('error' in due.outcome) return;
    const { snapshot } = this.#snapshots.at(-1)!;
    const levels = due.outcome.apply(snapshot.levels);
    this.#store({ ...snapshot, levels }, this.behaviour.propagationMs, due.doneAtMs);
  }

  #store(snapshot: Snapshot, propagationMs: number, atMs = this.#clock.now()): void {
    const last = this.#snapshots.at(-1)!.fromMs;
    this.#snapshots.push({ fromMs: Math.max(last, atMs + propagationMs), snapshot });
    for (const policy of this.#policies.values()) policy.etag = etagOf(randomUUID());
  }

  #withLevel(given: AccessLevel): Change {
    const { levels } = this.#stored;
    const level = storedLevel(this.behaviour, structuredClone(given), name => levels.has(name));
    const twin = [...levels.values()].find(
      other => other.title === level.title && other.name !== level.name && isSibling(other, level),
    );
    if (twin)
      throw new GoogleError('ALREADY_EXISTS', `Level '${twin.name}' has the title '${level.title}' already.`);
    return { apply: levels => new Map(levels).set(level.name, level), response: level };
  }

  /** One operation at a time: what `make` gives is stored when it is done. */
  #begin(policy: string, make: () => Change): Operation {
    let outcome: Pending['outcome'];
    try {
      outcome = make();
    } catch (error) {
      if (!(error instanceof GoogleError) || this.behaviour.faultyLevels === 'refused') throw error;
      outcome = { error };
    }
    if (this.nextOperationFails) {
      outcome = { error: this.nextOperationFails };
      this.nextOperationFails = undefined;
    }
    const name = `operations/${policy}/update/${randomUUID()}`;
    const pending = { name, policy, doneAtMs: this.#clock.now() + this.behaviour.operationMs, outcome };
    this.#operations.set(name, pending);
    this.#pending = pending;
    this.#settle();
    return this.#show(pending);
  }

  #show({ name, doneAtMs, outcome }: Pending): Operation {
    if (doneAtMs > this.#clock.now()) return { name, done: false };
    this.#settle();
    return 'error' in outcome
      ? { name, done: true, error: outcome.error.rpcStatus }
      : { name, done: true, response: structuredClone(outcome.response) };
  }

  #read(right: string, resource: string): void {
    this.#count('reads');
    this.#allow(right, resource);
  }

  #write(right: string, resource: string): void {
    this.#count('writes');
    this.#allow(right, resource);
    this.#policy(policyOf(resource));
    this.#settle();
    if (this.#pending) {
      throw new GoogleError(
        'ABORTED',
        `There is already an operation in progress for '${policyOf(resource)}'. Please try again later.`,
      );
    }
  }

  #allow(right: string, resource: string): void {
    const permission = `accesscontextmanager.${right}` as Permission;
    if (!this.rights.has(permission)) throw permissionDenied(permission, resource);
  }

  #count(kind: 'reads' | 'writes'): void {
    const nowMs = this.#clock.now();
    const most = kind === 'reads' ? this.behaviour.readsPerMinute : this.behaviour.writesPerMinute;
    const calls = this.#calls[kind].filter(atMs => atMs > nowMs - 60_000);
    this.#calls[kind] = calls;
    if (calls.length >= most) {
      throw new GoogleError(
        'RESOURCE_EXHAUSTED',
        `Quota exceeded for quota metric '${kind} requests' and limit '${kind} requests per minute per organization' of service 'accesscontextmanager.googleapis.com'.`,
      );
    }
    calls.push(nowMs);
  }

  #policy(name: string): AccessPolicy {
    return this.#find(this.#policies, name);
  }

  #find<Resource>(resources: ReadonlyMap<string, Resource>, name: string): Resource {
    const found = resources.get(name);
    if (found) return found;
    throw new GoogleError('NOT_FOUND', `Resource '${name}' was not found.`);
  }
}

function below<Resource extends { name: string }>(
  resources: ReadonlyMap<string, Resource>,
  policy: string,
): readonly Resource[] {
  return structuredClone([...resources.values()].filter(({ name }) => name.startsWith(`${policy}/`)));
}

function isSibling(a: AccessLevel, b: AccessLevel): boolean {
  return policyOf(a.name) === policyOf(b.name);
}

function policyOf(name: string): string {
  return name.split('/').slice(0, 2).join('/');
}

/** Field masks come in either spelling. */
function toCamel(path: string): string {
  return path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function etagOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
