import { z } from 'zod';
import { controls } from '../lib/portable-patterns.ts';
import { inFolder } from './definition-making.ts';

const relative = z
  .string()
  .min(1)
  .max(500)
  .regex(
    new RegExp(String.raw`^(?![\\/])(?!.*(?:^|[\\/])\.\.(?:[\\/]|$))[^:${controls}]+$`, 'u'),
    'is a path below the folder of the job',
  );

const Plain = z.union([z.string().max(20_000), z.number(), z.boolean(), z.null()]);
const Place = z.union([
  z.strictObject({ data: relative.describe('File or dataset in the ZIP `data`') }),
  z.strictObject({ output: relative.describe('File or dataset to be made, kept as artifact') }),
]);

/** Parameters of a tool by name: what ArcPy takes as it is, or a place in the folder of the job. */
export const ToolParameters = z
  .record(
    z.string().regex(/^[A-Za-z_]\w{0,120}$/),
    z.union([Plain, Place, z.array(z.union([Plain, Place])).max(1_000)]),
  )
  .default({})
  .describe(
    'Parameters by name: text, number, list; `{"data": …}` in the ZIP, `{"output": …}` to be made',
  );
export type ToolParameters = z.output<typeof ToolParameters>;

export const outFolder = 'out';

/** As the Python side wants them: a place is `{ path }`. */
export function toToolValues(parameters: ToolParameters): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(toToolValue) : toToolValue(value),
    ]),
  );
}

function toToolValue(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if ('data' in value) return { path: `${inFolder}/${String(value.data).replaceAll('\\', '/')}` };
  if ('output' in value)
    return { path: `${outFolder}/${String(value.output).replaceAll('\\', '/')}` };
  return value;
}
