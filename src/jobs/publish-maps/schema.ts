import { z } from 'zod';
import { publishingChecks } from '../arcpy-publishing.ts';
import { FileLink } from '../file-link.ts';
import { ChildrenResult } from '../job-children.ts';
import { PublishMapParams } from '../publish-map/schema.ts';

const {
  document: _document,
  documentPath: _path,
  data: _data,
  serviceName: _name,
  ...forEach
} = PublishMapParams.shape;

/** Inputs that are handed to each child as they are. */
export const forEachMap = Object.keys(forEach);

export const PublishMapsParams = z
  .strictObject({
    source: FileLink.describe('A ZIP of map documents (.aprx, .mapx, .mxd) with their data beside'),
    ...forEach,
    onFailure: z
      .enum(['continue', 'stop'])
      .default('continue')
      .describe('`stop`: after a failure those that have not begun are dismissed'),
  })
  .superRefine(publishingChecks)
  .meta({ id: 'PublishMapsInputs', oneOf: [{ required: ['site'] }, { required: ['sites'] }] });
export type PublishMapsParams = z.output<typeof PublishMapsParams>;

export const PublishMapsResult = ChildrenResult.extend({
  warnings: z.array(z.string()),
}).meta({ id: 'PublishMapsResults' });
export type PublishMapsResult = z.output<typeof PublishMapsResult>;
