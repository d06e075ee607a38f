import { z } from 'zod';
import type { ServiceTarget } from '../../sites/service-target.ts';
import type { Site } from '../../sites/sites.ts';
import type { FolderUses } from '../folder-uses.ts';
import { defineStep } from '../step.ts';

type Input = { site: Site; target: ServiceTarget; folderUses: FolderUses };

/** The service stands in its folder: nobody removes that any more by mistake. */
export const leaveFolder = defineStep<Input, object>({
  name: 'clean-up',
  title: 'Cleaning up',
  share: [98, 99],
  result: z.object({}),
  look: async () => undefined, // may be done again
  act: async ({ site, target, folderUses }, { jobId }) => {
    if (target.folder !== '') await folderUses.leave(site.name, target.folder, jobId);
    return {};
  },
});
