import { z } from 'zod';
import type { JsonObject } from '../../sites/answer-shapes.ts';
import { createService, deleteService } from '../../sites/service-changes.ts';
import { type ServiceTarget, toText } from '../../sites/service-target.ts';
import { findService, readService } from '../../sites/services.ts';
import { isNotFound } from '../../sites/site-errors.ts';
import type { Site } from '../../sites/sites.ts';
import { defineStep } from '../step.ts';

const Target = z.object({ folder: z.string(), serviceName: z.string(), type: z.string() });

type Input = { site: Site; target: ServiceTarget; json: JsonObject };
/** Whether somebody else's stood there right before: then it is not ours to remove. */
type Before = { isThere: boolean };

export const createImage = defineStep<Input, ServiceTarget, Before>({
  name: 'create',
  title: 'Creating the service',
  share: [30, 70],
  result: Target,
  before: async ({ site, target }, context) => ({
    isThere: (await findService(site, target, context)) !== undefined,
  }),
  look: (input, context) =>
    context.before.isThere ? Promise.resolve(undefined) : findOurs(input, context.signal),
  act: async ({ site, target, json }, context) => {
    const { warnings } = await createService(site, target, json, context);
    for (const warning of warnings) await context.log.warning(warning, 'site');
    return target;
  },
  undo: async (input, _result, context) => {
    const { site } = input;
    if (context.before.isThere) return undefined;
    const ours = await findOurs(input, context.signal);
    if (!ours) return undefined;
    const note = `the service ${toText(ours)} was removed from ${site.name}`;
    await context.intends(note);
    await deleteService(site, ours, context);
    return note;
  },
});

/** The one that this job made: by its name, and by the raster that it shows. */
async function findOurs(
  { site, target, json }: Input,
  signal: AbortSignal,
): Promise<ServiceTarget | undefined> {
  const found = await findService(site, target, { signal });
  if (!found) return undefined;
  try {
    const live = await readService(site, found, { signal });
    return pathOf(live) === pathOf(json) ? found : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function pathOf({ properties }: JsonObject): unknown {
  return (properties as JsonObject | undefined)?.path;
}
