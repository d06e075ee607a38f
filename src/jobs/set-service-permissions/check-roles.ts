import { z } from 'zod';
import type { Site } from '../../sites/sites.ts';
import type { JobContext } from '../job-type.ts';
import { refuseUnknownRoles } from '../service-roles.ts';
import { defineStep } from '../step.ts';
import type { SetServicePermissionsParams } from './schema.ts';

type Input = Pick<JobContext, 'warn'> & { site: Site; wanted: SetServicePermissionsParams };

/** Before the first service is changed, and not again: a role that goes meanwhile keeps nothing from being put back. */
export const checkRoles = defineStep<Input, object>({
  name: 'roles',
  title: 'Checking the roles',
  share: [10, 12],
  isReading: true,
  result: z.object({}),
  act: async ({ site, wanted, warn }, { signal }) => {
    await refuseUnknownRoles(site, wanted, { signal, warn });
    return {};
  },
});
