import { z } from 'zod';
import { MapChange, MapEdits } from '../../documents/map-edits.ts';
import { FileName } from '../../lib/portable-patterns.ts';
import { ArtifactLink } from '../artifact-records.ts';
import { FileLink } from '../file-link.ts';

export const EditMapParams = z
  .strictObject({
    document: FileLink.describe('The document: .mapx, .lyrx or .aprx'),
    layerFile: FileLink.optional().describe('Layers to be added: .lyrx, or a map as .mapx'),
    ...MapEdits.shape,
    fileName: FileName.optional().describe('Name of the file that is made; its ending stays'),
    dryRun: z.boolean().default(false).describe('Only tell what would change'),
  })
  .meta({ id: 'EditMapInputs' });
export type EditMapParams = z.output<typeof EditMapParams>;

export const EditMapResult = z
  .object({
    document: ArtifactLink.optional().describe('The edited document; none after a dry run'),
    changes: z.array(MapChange).describe('Every change: layer, before, after'),
    notes: z.array(z.string()).describe('What to know of the changes'),
  })
  .meta({ id: 'EditMapResults' });
export type EditMapResult = z.output<typeof EditMapResult>;
