import { z } from 'zod';
import { Config } from './config.ts';

/** JSON Schema of `pressroom.yaml`, for editors that check while one types. */
export function describeConfig(): object {
  const { id: _id, ...schema } = z.toJSONSchema(Config, { io: 'input' });
  return { ...schema, title: 'pressroom.yaml' };
}
