import { z } from 'zod';

/**
 * Shaped for the OGC conformance tests: the first input is a plain string with an output of the same
 * id, every input may be left out, and each kind of input that the tests know occurs once.
 */
export const EchoParams = z
  .strictObject({
    echo: z.string().max(10_000).optional().describe('Comes back as the output of the same name'),
    pause: z.int().min(0).max(60).optional().describe('Seconds to wait before the answer'),
    document: z
      .string()
      .max(100_000)
      .optional()
      .meta({ contentMediaType: 'text/plain' })
      .describe('A text document; comes back'),
    numbers: z.array(z.int()).max(1_000).optional().describe('Whole numbers; come back'),
    bbox: z
      .strictObject({
        bbox: z.array(z.number()).min(4).max(6),
        crs: z.string().max(200).optional(),
      })
      .optional()
      .meta({ format: 'ogc-bbox' })
      .describe('A bounding box; comes back'),
    anything: z
      .union([z.record(z.string(), z.unknown()), z.string().max(10_000)])
      .optional()
      .describe('An object or a text; comes back'),
  })
  .meta({ id: 'EchoInputs' });
export type EchoParams = z.output<typeof EchoParams>;

export const EchoResult = z
  .object({
    echo: z.string().optional().describe('The input `echo`'),
    document: z.string().optional().describe('The input `document`'),
    numbers: z.array(z.int()).optional().describe('The input `numbers`'),
    bbox: z
      .object({ bbox: z.array(z.number()), crs: z.string().optional() })
      .optional()
      .meta({ format: 'ogc-bbox' })
      .describe('The input `bbox`'),
    anything: z
      .union([z.record(z.string(), z.unknown()), z.string()])
      .optional()
      .describe('The input `anything`'),
  })
  .meta({ id: 'EchoResults' });
export type EchoResult = z.output<typeof EchoResult>;
