import { z } from 'zod';
import { FileName } from '../../lib/portable-patterns.ts';
import { RuntimeInput } from '../arcpy-inputs.ts';
import { ArtifactLink } from '../artifact-records.ts';
import { FileLink } from '../file-link.ts';
import { ToolParameters } from '../tool-values.ts';

export const RunToolParams = z
  .strictObject({
    tool: z
      .string()
      .regex(/^[A-Za-z]\w{0,120}(?:\.[A-Za-z]\w{0,120})?$/)
      .describe('Name on the list of tools that may run: see `/v1/arcpy-runtimes/{id}/tools`'),
    parameters: ToolParameters,
    data: FileLink.optional().describe('A ZIP of data, for parameters `{"data": …}`'),
    overwriteOutput: z.boolean().default(false).describe('Outputs that are there are replaced'),
    fileName: FileName.optional().describe('Name of the artifact; its ending stays'),
    ...RuntimeInput,
  })
  .meta({ id: 'RunToolInputs' });
export type RunToolParams = z.output<typeof RunToolParams>;

export const RunToolResult = z
  .object({
    output: ArtifactLink.optional().describe(
      'What `{"output": …}` parameters made: the file, or a ZIP of several or of a geodatabase',
    ),
    outputs: z.array(z.string()).describe('Outputs as the tool tells them'),
    messages: z
      .array(
        z.object({
          severity: z.enum(['info', 'warning', 'error']),
          id: z.string().nullable().describe('Six digits, where the message has them'),
          text: z.string(),
        }),
      )
      .describe("The tool's own messages, in the installation's words"),
    machine: z.string().describe('Worker whose ArcPy did it'),
  })
  .meta({ id: 'RunToolResults' });
export type RunToolResult = z.output<typeof RunToolResult>;
