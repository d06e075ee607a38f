import { z } from 'zod';
import { textOfMarks } from '../lib/portable-patterns.ts';

const text = (max: number) => z.string().max(max);
const Capabilities = z.array(z.string().regex(/^[\w ]{1,60}$/)).max(30);
const seconds = () => z.int().min(0).max(31_536_000).optional();
const Properties = z.record(z.string().regex(/^[\w.]{1,120}$/), text(20_000));

export const ExtensionEdit = z
  .strictObject({
    typeName: z.string().min(1).max(120).describe('Kind of extension, such as `FeatureServer`'),
    isEnabled: z.boolean().optional().describe('Switched on'),
    capabilities: Capabilities.optional().describe('All its capabilities, such as `Query`'),
    properties: Properties.optional().describe('Properties of the extension by key'),
  })
  .meta({ id: 'ExtensionEdit' });
export type ExtensionEdit = z.output<typeof ExtensionEdit>;

/** Named edits of a draft, or of a staged definition; what is not named stays letter by letter. */
export const DraftEdits = z
  .object({
    serviceName: textOfMarks(
      (mark) => `^${mark}{1,120}$`,
      'letters, digits and underscores only, 1 to 120',
    )
      .optional()
      .describe('Name of the service, in every place that has it'),
    folder: textOfMarks(
      (mark) => `^${mark}{0,120}$`,
      'letters, digits and underscores only, 120 at most',
    )
      .optional()
      .describe('Folder that receives the service; empty: the root'),
    replace: z
      .boolean()
      .optional()
      .describe('Replace a service of the same name; false: make a new one'),
    title: text(1_000).optional().describe('Title of the item; drafts only'),
    description: text(60_000).optional().describe('Description of the service'),
    summary: text(4_000).optional().describe('Summary of the item; drafts only'),
    tags: z.array(text(300)).max(200).optional().describe('All tags of the item; drafts only'),
    credits: text(4_000).optional().describe('Credits of the item; drafts only'),
    useLimitation: text(20_000).optional().describe('Use limitation of the item; drafts only'),
    capabilities: Capabilities.optional().describe(
      'All capabilities of the service, such as `Map`',
    ),
    extensions: z
      .array(ExtensionEdit)
      .min(1)
      .max(30)
      .optional()
      .describe('Extensions of the service'),
    instances: z
      .strictObject({
        min: z.int().min(0).max(1_000).optional().describe('Least instances per machine'),
        max: z.int().min(1).max(1_000).optional().describe('Most instances per machine'),
        perContainer: z.int().min(1).max(1_000).optional().describe('Instances per process'),
        isolation: z
          .enum(['high', 'low'])
          .optional()
          .describe('One process per instance, or shared'),
      })
      .optional()
      .describe('How many instances run'),
    timeouts: z
      .strictObject({
        usage: seconds().describe('Longest use by one request, in seconds'),
        wait: seconds().describe('Longest wait for an instance, in seconds'),
        idle: seconds().describe('Longest life of an instance that is not used, in seconds'),
        startup: seconds().describe('Longest start of an instance, in seconds'),
        keepAlive: seconds().describe('Interval at which databases are asked, in seconds'),
      })
      .optional()
      .describe('Time-outs of the service'),
    state: z.enum(['started', 'stopped']).optional().describe('Whether it starts after publishing'),
    markPublished: z
      .literal(true)
      .optional()
      .describe(
        'Set `State` to Published as many scripts do when they replace; whether it is needed is not known. Drafts only',
      ),
    copyData: z
      .boolean()
      .optional()
      .describe(
        'Copy the data into the definition, or refer to them: IncludeDataInSDFile and ByReference together. Drafts only; the switch of ArcGIS at drafting time is surer',
      ),
    keepData: z
      .boolean()
      .optional()
      .describe('Keep the data of the service that is replaced (KeepExistingData)'),
    keepCache: z.boolean().optional().describe('Keep the tiles of the service that is replaced'),
    properties: Properties.optional().describe(
      'Properties of the service by key, such as `maxRecordCount`',
    ),
  })
  .meta({ id: 'DraftEdits' });
export type DraftEdits = z.output<typeof DraftEdits>;

export const DraftChange = z
  .object({
    place: z.string().describe('Where it stands, from the root'),
    before: z.string().nullable().describe('As it was; null: not there'),
    after: z.string().nullable().describe('As it is now; null: not there'),
  })
  .meta({ id: 'DraftChange' });
export type DraftChange = z.output<typeof DraftChange>;
