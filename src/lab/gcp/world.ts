import type { LabProject } from '../atlas/model.ts';
import { addClusters } from '../default-world.ts';
import type { Lab } from '../index.ts';

export const labOrganization = 'organizations/520000000001';
export const labPolicy = 'accessPolicies/830000000001';
/** The level that is Postern's. */
export const labLevel = `${labPolicy}/accessLevels/atlas_kms`;
/** The level of someone else: the office. */
export const labOfficeLevel = `${labPolicy}/accessLevels/office`;
export const labPerimeter = `${labPolicy}/servicePerimeters/payments`;
export const labKeyVersion =
  'projects/payments-kms/locations/europe-west4/keyRings/atlas/cryptoKeys/payments/cryptoKeyVersions/1';
/** Whom Atlas calls Google's KMS as. */
export const labAtlasServiceAccount = 'mongodb-atlas-payments@p-abcdef0123456789.iam.gserviceaccount.com';
const keyProjectNumber = '640000000001';

/** What its owners let in by the level before Postern came: their office and a build runner. */
export const foreignSubnetworks = ['198.17.0.0/24', '52.7.232.43/32'];

/**
 * One team: the project `payments` as in the default world, whose key stands in a project within a perimeter that
 * restricts Cloud KMS. Atlas's service account comes in by an ingress rule that names the level.
 */
export function gcpWorld({ atlas, gcp }: Lab, organizationId: string): LabProject {
  gcp.addPolicy(labPolicy, labOrganization, 'default policy');
  gcp.projectNumbers.set('payments-kms', keyProjectNumber);
  gcp.setLevel(labLevel, {
    title: 'Atlas and the key of payments',
    description: 'Who may use the key of payments.',
    basic: { combiningFunction: 'OR', conditions: [{ ipSubnetworks: [...foreignSubnetworks] }] },
  });
  gcp.setLevel(labOfficeLevel, {
    title: 'The office',
    basic: { combiningFunction: 'AND', conditions: [{ ipSubnetworks: ['198.17.1.0/24'] }] },
  });
  gcp.setPerimeter(labPerimeter, {
    title: 'payments',
    perimeterType: 'PERIMETER_TYPE_REGULAR',
    status: {
      resources: [`projects/${keyProjectNumber}`],
      restrictedServices: ['cloudkms.googleapis.com', 'storage.googleapis.com'],
      accessLevels: [labOfficeLevel],
      ingressPolicies: [
        {
          title: 'MongoDB Atlas uses the key',
          ingressFrom: {
            identities: [`serviceAccount:${labAtlasServiceAccount}`],
            sources: [{ accessLevel: labLevel }],
          },
          ingressTo: {
            operations: [{ serviceName: 'cloudkms.googleapis.com', methodSelectors: [{ method: '*' }] }],
            resources: [`projects/${keyProjectNumber}`],
          },
        },
      ],
    },
  });
  const project = atlas.addProject('payments', organizationId, {
    cloud: 'gcp',
    keyVersion: labKeyVersion,
    serviceAccount: labAtlasServiceAccount,
  });
  addClusters(atlas, project);
  return project;
}
