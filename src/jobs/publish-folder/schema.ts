import { z } from 'zod';
import { refuseBothSites } from '../data-store-selection.ts';
import { FileLink } from '../file-link.ts';
import { ChildrenResult } from '../job-children.ts';
import { PublishServiceDefinitionParams } from '../publish-service-definition/schema.ts';
import { SiteName, Sites } from '../site-fan-out.ts';

/** More definitions than this are several releases. */
export const maxDefinitions = 5_000;

const DefinitionName = z
  .string()
  .min(1)
  .max(1_000)
  .describe('Name of a definition of the source, with or without its folders');

const ServerFolder = z
  .strictObject({
    folder: z
      .string()
      .min(1)
      .max(1_000)
      .describe(
        'A folder that the worker reads, below one of the `publishRoots` of its configuration',
      ),
    recursive: z.boolean().default(false).describe('Also what lies in folders below it'),
  })
  .meta({ id: 'ServerFolder' });

export const ListedDefinition = z
  .strictObject({
    definition: DefinitionName,
    folder: z.string().max(120).optional().describe('Folder of the site; `/` is the root'),
    serviceName: z.string().max(120).optional().describe('Name of the service'),
    after: z.array(DefinitionName).max(100).optional().describe('Not before these are published'),
  })
  .meta({ id: 'ListedDefinition' });
export type ListedDefinition = z.output<typeof ListedDefinition>;

const {
  site: _site,
  serviceDefinition: _serviceDefinition,
  serviceName: _serviceName,
  ifPlanIs,
  ...forEach
} = PublishServiceDefinitionParams.shape;

/** Inputs that are handed to each child as they are. */
export const forEachService = Object.keys(forEach) as (keyof typeof forEach)[];

export const PublishFolderParams = z
  .strictObject({
    site: SiteName.optional().describe('Name of a configured site'),
    sites: Sites,
    source: z
      .union([FileLink, z.array(FileLink).min(1).max(1_000), ServerFolder])
      .describe(
        'The definitions: files (.sd), zips of them and lists (.txt, .csv, .json), as file parts or links to uploads; or a folder of the server',
      ),
    list: z
      .union([z.string().min(1).max(500_000), z.array(ListedDefinition).min(1).max(maxDefinitions)])
      .optional()
      .describe(
        'Which definitions of the source are published, and as what: lines of `definition|folder|service name`, CSV, or JSON. Without it, and without a list in the source, all of them',
      ),
    foldersFromSource: z
      .boolean()
      .default(false)
      .describe("A definition goes into the site's folder that is called like the one it lies in"),
    after: z
      .record(z.string().min(1).max(1_000), z.array(DefinitionName).min(1).max(100))
      .default({})
      .describe('By definition: those that have to be published before it'),
    onFailure: z
      .enum(['continue', 'stop'])
      .default('continue')
      .describe('`stop`: after a failure those that have not begun are dismissed'),
    ...forEach,
    ifPlanIs: ifPlanIs.describe(
      'Digest of a `publish-plan` of the same request: nothing is begun unless all services still are as planned',
    ),
  })
  .superRefine(refuseBothSites)
  .meta({ id: 'PublishFolderInputs', oneOf: [{ required: ['site'] }, { required: ['sites'] }] });
export type PublishFolderParams = z.output<typeof PublishFolderParams>;

export const PublishFolderResult = ChildrenResult.extend({
  warnings: z.array(z.string()),
}).meta({ id: 'PublishFolderResults' });
export type PublishFolderResult = z.output<typeof PublishFolderResult>;
