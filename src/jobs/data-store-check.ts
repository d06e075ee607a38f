import { z } from 'zod';
import { readAdminInfo, readSiteMode } from '../sites/site-reader.ts';
import type { Site } from '../sites/sites.ts';
import { DataStoreLaterError, DataStoreRefusedError } from './data-store-errors.ts';
import { defineStep } from './step.ts';

const Checked = z.object({ account: z.string(), privilege: z.string().optional() });

/** Whether our account may change what is registered, and the site takes changes now. */
export const checkSite = defineStep<{ site: Site }, z.output<typeof Checked>>({
  name: 'check',
  title: 'Checking the site',
  share: [0, 8],
  isReading: true,
  result: Checked,
  act: async ({ site }, { signal }) => {
    const { username = site.config.auth.username, privilege } = await readAdminInfo(site, {
      signal,
    });
    if (privilege === 'ACCESS') {
      throw new DataStoreRefusedError(
        'site_insufficient_privilege',
        `${username} is ${privilege} on ${site.name}; registering data needs PUBLISH. Nothing was changed.`,
        { site: site.name, account: username, privilege },
      );
    }
    const { siteMode } = await readSiteMode(site, { signal });
    if (siteMode === 'READ_ONLY') {
      throw new DataStoreLaterError(`${site.name} is read-only. The job waits.`, {
        facts: { site: site.name },
      });
    }
    return { account: username, ...(privilege && { privilege }) };
  },
});
