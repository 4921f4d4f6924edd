/** A project's clusters, as far as keys go: GET groups/{id}/clusters. */
import { z } from 'zod';
import { parseAnswer } from './answer.ts';
import { type AtlasClient, apiVersions } from './client.ts';

const cluster = z.object({
  name: z.string(),
  stateName: z.string().nullish(),
  paused: z.boolean().nullish(),
  encryptionAtRestProvider: z.string().nullish(),
  replicationSpecs: z
    .array(z.object({ regionConfigs: z.array(z.object({ providerName: z.string().nullish() })).nullish() }))
    .nullish(),
});

export interface Cluster {
  readonly name: string;
  readonly state: string | undefined;
  /** `AWS`, `AZURE`, `GCP`, `NONE`, or what Atlas will say one day; undefined where it does not say. */
  readonly keyProvider: string | undefined;
  /** The clouds that its nodes run in; empty where the answer does not tell. */
  readonly clouds: readonly string[];
}

/** Follows every page. Throws AtlasError, AtlasAnswerError or TransportError. */
export async function readClusters(client: AtlasClient, projectId: string): Promise<readonly Cluster[]> {
  const path = `/api/atlas/v2/groups/${encodeURIComponent(projectId)}/clusters`;
  const all = await client.getAll(path, apiVersions.clusters);
  return parseAnswer(z.array(cluster), all, client, path).map(
    ({ name, stateName, encryptionAtRestProvider, replicationSpecs }) => ({
      name,
      state: stateName ?? undefined,
      keyProvider: encryptionAtRestProvider ?? undefined,
      clouds: [
        ...new Set(
          (replicationSpecs ?? []).flatMap(({ regionConfigs }) =>
            (regionConfigs ?? []).flatMap(({ providerName }) => providerName ?? []),
          ),
        ),
      ],
    }),
  );
}
