import type { WholeDataStoreItem } from '../../sites/data-store-reader.ts';
import { checkSite } from '../data-store-check.ts';
import { carryOutRegistration } from '../data-store-registration.ts';
import type { JobContext } from '../job-type.ts';
import { kindOfPath, type RegisterFolderParams, type RegisterFolderResult } from './schema.ts';

export async function registerFolder(
  params: RegisterFolderParams,
  context: JobContext,
): Promise<RegisterFolderResult> {
  const { sites, step, secrets, validations, warn } = context;
  const site = sites.get(params.site);
  await step(checkSite, { site });
  if (kindOfPath(params.path) === 'drive') {
    await warn(
      `${params.path} is a drive letter: every machine of ${site.name} has to see the same data there.`,
    );
  }
  const { ifExists } = params;
  const item = toFolderItem(params);
  return carryOutRegistration({ site, item, ifExists, secrets, validations, warn }, context);
}

/** @see Esri, "Data Item", folder */
export function toFolderItem({
  name,
  path,
  clientPath,
  hostName,
}: Pick<RegisterFolderParams, 'name' | 'path' | 'clientPath' | 'hostName'>): WholeDataStoreItem {
  const isReplicated = clientPath !== undefined && clientPath !== path;
  return {
    path: `/fileShares/${name}`,
    type: 'folder',
    clientPath: isReplicated ? clientPath : null,
    info: {
      path,
      dataStoreConnectionType: isReplicated ? 'replicated' : 'shared',
      hostName: hostName ?? null,
    },
  };
}
