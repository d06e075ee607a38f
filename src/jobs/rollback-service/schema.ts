import { z } from 'zod';
import { textOfMarks } from '../../lib/portable-patterns.ts';
import {
  PublishServiceDefinitionParams,
  PublishServiceDefinitionResult,
} from '../publish-service-definition/schema.ts';

const { site, keep, state, verify, requireRestorable, force } =
  PublishServiceDefinitionParams.shape;

export const RollbackServiceParams = z
  .strictObject({
    site,
    service: textOfMarks((mark) => `^(?:${mark}+/)?${mark}+\\.[A-Za-z]+$`, '`Folder/Name.Type`')
      .max(300)
      .describe('The service: `Transport/Roads.MapServer`, and `Roads.MapServer` in the root'),
    version: z
      .int()
      .min(1)
      .describe('Number of the publish in the history of the service that is published again'),
    keep,
    state: state.describe('State of the service afterwards. Default: as that version asked for'),
    verify,
    requireRestorable,
    force,
  })
  .meta({ id: 'RollbackServiceInputs' });
export type RollbackServiceParams = z.output<typeof RollbackServiceParams>;

export const RollbackServiceResult = PublishServiceDefinitionResult.extend({
  rolledBackTo: z.int().describe('The version whose definition was published again'),
}).meta({ id: 'RollbackServiceResults' });
export type RollbackServiceResult = z.output<typeof RollbackServiceResult>;
