import { z } from 'zod';
import type { LayerList } from './layer-list.ts';

const Entry = z.looseObject({
  id: z.int(),
  name: z.string(),
  parentLayerId: z.int().optional().catch(undefined),
  type: z.string().optional().catch(undefined),
});
const ServiceDescription = z.looseObject({
  contents: z.looseObject({ layers: z.array(Entry), tables: z.array(Entry).catch([]) }),
});

/**
 * Layers of a ready-made REST answer, as definitions of hosted layers carry it.
 *
 * @throws when it is not JSON or lists no layers
 */
export function readServiceDescription(content: Buffer): LayerList {
  const text = content.toString('utf8').replace(/^\uFEFF/, '');
  const { contents } = ServiceDescription.parse(JSON.parse(text));
  return {
    layers: contents.layers.map(({ id, name, parentLayerId, type }) => ({
      id,
      name,
      ...(parentLayerId !== undefined && parentLayerId >= 0 && { parentId: parentLayerId }),
      ...(type && { type }),
    })),
    tables: contents.tables.map(({ id, name }) => ({ id, name })),
  };
}
