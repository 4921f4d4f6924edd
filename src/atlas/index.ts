export type { AtlasCredentials } from './auth/auth.ts';
export {
  type AtlasClient,
  apiVersions,
  atlasBaseUrls,
  createAtlasClient,
  type RateLimitLeft,
} from './client.ts';
export {
  controlPlanePath,
  listControlPlane,
  observeControlPlane,
  toControlPlaneObservation,
} from './control-plane.ts';
export { type EncryptionAtRest, readEncryptionAtRest } from './encryption-at-rest.ts';
export { AtlasAnswerError, AtlasError } from './errors.ts';
export { type AtlasEvent, readEvents, troubleEventTypes, watchedEventTypes } from './events.ts';
export { listNodes, observeNodes, toNodesObservation } from './nodes.ts';
export type { Observation, ObservationFault, PreviousObservation } from './observation.ts';
export { listProjects, type Project } from './projects.ts';
