import { z } from 'zod';
import { createFolder, deleteFolder } from '../../sites/service-changes.ts';
import { findFolder } from '../../sites/services.ts';
import { defineStep } from '../step.ts';
import type { Decision, Publishing } from './publishing-context.ts';
import { NotYetError } from './publishing-errors.ts';

type Input = Pick<Publishing, 'site' | 'folderUses'> & {
  decision: Pick<Decision, 'target' | 'hasFolder'>;
};

/** Whether a site makes a missing folder by itself while it publishes is not verified; so it is made first. */
export const createTargetFolder = defineStep({
  name: 'folder',
  title: 'Making sure of the folder',
  share: [44, 47],
  result: z.object({ isMade: z.boolean() }),
  before: async ({ site, decision }: Input, { signal }) => ({
    existed:
      decision.target.folder === '' ||
      decision.hasFolder ||
      (await findFolder(site, decision.target.folder, { signal })) !== undefined,
  }),
  look: async ({ site, decision, folderUses }, { signal, before, jobId }) => {
    const { folder } = decision.target;
    if (folder !== '') await folderUses.join(site.name, folder, jobId);
    const isThere = folder === '' || (await findFolder(site, folder, { signal })) !== undefined;
    return isThere ? { isMade: !before.existed } : undefined;
  },
  act: async ({ site, decision, folderUses }, { signal, jobId, log }) => {
    const { folder } = decision.target;
    if (folder === '') return { isMade: false };
    if (!(await folderUses.join(site.name, folder, jobId))) {
      throw new NotYetError(
        'site_busy',
        `Another job is removing the folder ${folder} of ${site.name}.`,
        'now',
      );
    }
    const { kind } = await createFolder(site, folder, { signal });
    if (kind === 'created') await log.info(`Made the folder ${folder}.`);
    return { isMade: kind === 'created' };
  },
  undo: async ({ site, decision, folderUses }, result, { signal, jobId, intends }) => {
    const { folder } = decision.target;
    if (folder === '') return undefined;
    try {
      if (!result?.isMade) return undefined;
      if (!(await folderUses.claimAlone(site.name, folder, jobId, 120_000))) return undefined;
      const note = `the folder ${folder}, which this job had made, was removed`;
      const { kind } = await deleteFolder(site, folder, {
        signal,
        beforeChange: () => intends(note),
      });
      if (kind === 'not-empty') await intends('');
      return kind === 'deleted' ? note : undefined;
    } finally {
      await folderUses.leave(site.name, folder, jobId);
    }
  },
});
