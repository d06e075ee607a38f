import { z } from 'zod';
import { isSystemService } from '../../sites/service-states.ts';
import { parseTarget, toFolder } from '../../sites/service-target.ts';
import { ArtifactLink } from '../artifact-records.ts';
import { batchInputs, batchOutputs } from '../service-batch.ts';
import { ServiceOutcome } from '../service-change.ts';
import { ServiceSelection, SiteName } from '../service-selection.ts';

export const DeleteServicesParams = z
  .strictObject({
    site: SiteName,
    services: ServiceSelection,
    onFailure: z
      .enum(['stop', 'continue'])
      .default('stop')
      .describe(
        'When one cannot be deleted: `stop` leaves the rest, `continue` goes on with it. What is deleted stays deleted',
      ),
    ...batchInputs,
  })
  .superRefine(({ services: { names = [], folder } }, check) => {
    const system = names.filter((name) => isSystemService(parseTarget(name) ?? { folder: '' }));
    const message = 'services of System and Utilities belong to the site itself: never deleted';
    if (system.length > 0) check.addIssue({ code: 'custom', path: ['services', 'names'], message });
    if (folder !== undefined && isSystemService({ folder: toFolder(folder) }))
      check.addIssue({ code: 'custom', path: ['services', 'folder'], message });
  })
  .meta({ id: 'DeleteServicesInputs' });
export type DeleteServicesParams = z.output<typeof DeleteServicesParams>;

export const DeletedService = ServiceOutcome.extend({
  snapshot: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('The service JSON as it was, secrets masked'),
  version: z
    .int()
    .nullish()
    .describe(
      'Its number in the history: `rollback-service` to it publishes it again while its definition is kept; null: not ours, or not kept',
    ),
});
export type DeletedService = z.output<typeof DeletedService>;

export const DeleteServicesResult = z
  .object({
    ...batchOutputs,
    services: z.array(DeletedService).describe('What became of each service'),
    pictures: ArtifactLink.optional().describe(
      'A file (JSON) of what the services were like: service JSON, state, permissions, item information; secrets masked',
    ),
  })
  .meta({ id: 'DeleteServicesResults' });
export type DeleteServicesResult = z.output<typeof DeleteServicesResult>;
