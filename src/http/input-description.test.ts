import { expect, test } from 'vitest';
import { z } from 'zod';
import { toStandaloneSchema } from './input-description.ts';

test('puts named schemas in place of references to them, and keeps a property called id', () => {
  const Part = z.object({ id: z.string() }).describe('A part').meta({ id: 'TestPart' });
  const schema = toStandaloneSchema(z.array(Part).describe('Parts'), 'input');
  expect(schema).toEqual({
    type: 'array',
    description: 'Parts',
    items: {
      type: 'object',
      description: 'A part',
      properties: { id: { type: 'string' } },
      required: ['id'],
    },
  });
});
