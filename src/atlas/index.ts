export { type AlertState, networkDeniedEvent, readNetworkDeniedAlert } from './alert-configs.ts';
export { type KmsAlert, kmsAlertTypes, readKmsAlerts } from './alerts.ts';
export type { AtlasCredentials } from './auth/auth.ts';
export {
  type AtlasClient,
  apiVersions,
  atlasBaseUrls,
  createAtlasClient,
  type RateLimitLeft,
} from './client.ts';
export {
  type CloudProviderAccess,
  identityForKey,
  readCloudProviderAccess,
} from './cloud-provider-access.ts';
export { type Cluster, readClusters } from './clusters.ts';
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
export { readSecretExpiry } from './service-account.ts';
