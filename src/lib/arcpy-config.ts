import { z } from 'zod';

/** ArcPy, on machines where it is installed. Paths are those of the machine that a worker runs on. */
export const ArcpyConfig = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Look for ArcPy on the machine of a worker'),
    python: z
      .string()
      .min(1)
      .optional()
      .describe('Python of ArcGIS: `propy.bat`, `tools/python3`; omitted: found by itself'),
    pool: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/i)
      .default('default')
      .describe('Workers that share a queue, because their ArcPy is alike'),
    processes: z.int().min(1).max(8).default(1).describe('Processes, each with one job at a time'),
    startSeconds: z.number().positive().default(300).describe('Patience with the start of ArcPy'),
    silenceSeconds: z
      .number()
      .positive()
      .default(600)
      .describe('Patience with a process that says nothing while it opens and drafts'),
    stagingSeconds: z
      .number()
      .positive()
      .default(14_400)
      .describe('Patience with a process that says nothing while it stages or runs a tool'),
    jobsPerProcess: z.int().min(1).default(50).describe('After so many jobs it is replaced'),
    maxGrowthMiB: z.int().min(1).default(2_048).describe('Memory grown by this replaces it, too'),
    retrySeconds: z
      .number()
      .positive()
      .default(60)
      .describe('How often an ArcPy that does not start is tried again'),
    workFolder: z
      .string()
      .min(1)
      .optional()
      .describe("Folder for the jobs' own folders; omitted: that of the system"),
    blankProject: z
      .string()
      .min(1)
      .optional()
      .describe('An empty .aprx into which .mxd and .mapx are imported; omitted: one is made'),
    tools: z
      .array(
        z.union([
          z
            .string()
            .regex(/^[A-Za-z][\w]*(?:\.[A-Za-z]\w*)?$/)
            .describe('A system tool, such as `management.Clip`'),
          z.strictObject({
            toolbox: z.string().min(1).describe('Path of a .atbx, .tbx or .pyt'),
            alias: z
              .string()
              .regex(/^[A-Za-z]\w{0,60}$/)
              .describe('Its alias: the tools are asked for as `alias.Tool`'),
            tools: z.array(z.string().regex(/^[A-Za-z]\w*$/)).min(1),
          }),
        ]),
      )
      .default([])
      .describe('Tools that `run-tool` may run; none: it runs nothing'),
  })
  .prefault({})
  .meta({ id: 'ArcpyConfig' });
export type ArcpyConfig = z.output<typeof ArcpyConfig>;
