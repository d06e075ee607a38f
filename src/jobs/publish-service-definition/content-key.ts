import { createHash } from 'node:crypto';
import { toText } from '../../sites/service-target.ts';
import type { Publishing } from './publishing-context.ts';
import type { PublishServiceDefinitionParams } from './schema.ts';
import { withSortedKeys } from './snapshot.ts';

/** Inputs that decide whether and where something is published, not what comes of it. */
const withoutShape = new Set([
  'site',
  'sites',
  'serviceDefinition',
  'folder',
  'serviceName',
  'ifExists',
  'force',
  'ifPlanIs',
  'requireRestorable',
  'verify',
]);

/** The inputs that shape the service; one that is added to the process counts by itself. */
export function shapingInputs(params: PublishServiceDefinitionParams): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(params).filter(
      ([name, value]) => !withoutShape.has(name) && value !== undefined,
    ),
  );
}

/** The same for requests that make the same service of the same bytes under the same name. */
export function contentKeyOf({
  params,
  upload,
  wanted,
}: Pick<Publishing, 'params' | 'upload' | 'wanted'>): string {
  const { keep, ...inputs } = shapingInputs(params) as { keep?: string[] };
  return digestOf({
    definition: upload.sha256,
    target: toText(wanted).toLowerCase(),
    inputs: { ...inputs, keep: [...(keep ?? [])].sort() },
  });
}

/** SHA-256 in hex; the order of keys does not matter. */
export function digestOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(withSortedKeys(value)))
    .digest('hex');
}
