import { z } from 'zod';
import { DataStoreName, DataStorePath, DataStoreRegistrationResult } from '../data-store-item.ts';
import {
  AmazonConnection,
  AzureConnection,
  connectionSchemaOf,
  foldersByType,
  PathConnection,
} from '../data-store-stores.ts';

const AnyConnection = z
  .record(z.string(), z.unknown())
  .describe('Of other kinds: `info` of the item as ArcGIS documents it');

export const RegisterDataStoreParams = z
  .strictObject({
    site: z.string().min(1).max(63).describe('Name of a configured site'),
    name: DataStoreName.describe('Name of the item, the last part of its path'),
    type: z
      .string()
      .regex(/^[A-Za-z]{1,60}$/)
      .describe(
        '`cloudStore`, `objectStore` (from 11.4), `rasterStore`, `bigDataFileShare`, or another type that the site knows',
      ),
    provider: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,60}$/)
      .optional()
      .describe('Of cloud and object stores: `amazon`, `azure`, or another one'),
    objectStore: z
      .string()
      .min(1)
      .max(1_000)
      .optional()
      .describe('Of cloud and object stores: bucket or container, `/folder` after it'),
    connectionType: z
      .enum(['fileShare', 'dataStore', 'cloudstore'])
      .optional()
      .describe('Of raster stores and big data file shares. Default: as the path suggests'),
    managed: z
      .boolean()
      .optional()
      .describe('The site keeps its own data in it. Default: true for object stores, else false'),
    path: DataStorePath.optional().describe(
      'Path of the item, where its type is not one that has a folder of its own',
    ),
    connection: z
      .union([AmazonConnection, AzureConnection, PathConnection, AnyConnection])
      .describe('How the store is reached; secrets in it are sealed at once'),
    ifExists: z
      .enum(['fail', 'update'])
      .default('fail')
      .describe('What to do when an item of that name is there with other content'),
  })
  .superRefine(({ type, provider, objectStore, path, connection }, check) => {
    const fault = (place: string, message: string) =>
      check.addIssue({ code: 'custom', path: [place], message });
    const isCloud = type === 'cloudStore' || type === 'objectStore';
    if (type === 'folder') fault('type', 'has a process of its own: register-folder');
    if (type === 'egdb') fault('type', 'has a process of its own: register-database');
    if (isCloud && !provider) fault('provider', 'is needed: amazon, azure or another one');
    if (isCloud && !objectStore) fault('objectStore', 'is needed: the bucket or container');
    if (!path && !foldersByType[type]) fault('path', 'is needed for a type with no known folder');
    const { error } = connectionSchemaOf(type, provider)?.safeParse(connection) ?? {};
    for (const issue of error?.issues ?? []) {
      check.addIssue({
        code: 'custom',
        path: ['connection', ...issue.path],
        message: issue.message,
      });
    }
  })
  .meta({ id: 'RegisterDataStoreInputs' });
export type RegisterDataStoreParams = z.output<typeof RegisterDataStoreParams>;

export const RegisterDataStoreResult = DataStoreRegistrationResult.meta({
  id: 'RegisterDataStoreResults',
});
export type RegisterDataStoreResult = z.output<typeof RegisterDataStoreResult>;
