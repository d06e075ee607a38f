import { z } from 'zod';
import { DraftChange, DraftEdits } from '../../documents/draft-edits.ts';
import { FileName } from '../../lib/portable-patterns.ts';
import { ArtifactLink } from '../artifact-records.ts';
import { FileLink } from '../file-link.ts';

export const EditServiceDefinitionDraftParams = z
  .strictObject({
    document: FileLink.describe('The draft (.sddraft), or a staged definition (.sd)'),
    ...DraftEdits.shape,
    fileName: FileName.optional().describe('Name of the file that is made; its ending stays'),
    dryRun: z.boolean().default(false).describe('Only tell what would change'),
  })
  .meta({ id: 'EditServiceDefinitionDraftInputs' });
export type EditServiceDefinitionDraftParams = z.output<typeof EditServiceDefinitionDraftParams>;

export const EditServiceDefinitionDraftResult = z
  .object({
    document: ArtifactLink.optional().describe('The edited document; none after a dry run'),
    changes: z.array(DraftChange).describe('Every change: place, before, after'),
  })
  .meta({ id: 'EditServiceDefinitionDraftResults' });
export type EditServiceDefinitionDraftResult = z.output<typeof EditServiceDefinitionDraftResult>;
