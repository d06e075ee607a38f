import { z } from 'zod';
import { DataStorePath, DataStoreRegistrationResult } from '../data-store-item.ts';
import { ConnectionText, DatabaseParts, SecretName } from '../register-database/schema.ts';
import { FolderPath } from '../register-folder/schema.ts';

export const UpdateDataStoreParams = z
  .strictObject({
    site: z.string().min(1).max(63).describe('Name of a configured site'),
    item: DataStorePath.describe('Path of the item, such as `/fileShares/roads`'),
    path: FolderPath.optional().describe('Of a folder: where it is now, as the site sees it'),
    clientPath: FolderPath.nullable()
      .optional()
      .describe("Of a folder: the publisher's path; null makes a replicated folder shared"),
    hostName: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,253}$/)
      .nullable()
      .optional()
      .describe("Of a folder: the publisher's machine"),
    connectionString: ConnectionText.optional().describe('Of a database: the whole new connection'),
    connection: DatabaseParts.optional().describe('Of a database: the same in parts'),
    clientConnectionString: ConnectionText.nullable()
      .optional()
      .describe("Of a database: the publisher's side; null makes it shared"),
    clientConnection: DatabaseParts.optional().describe('The same in parts'),
    password: z
      .string()
      .min(1)
      .max(1_000)
      .optional()
      .describe('Of a database: a new password alone, on the server side of the item'),
    passwordFrom: SecretName.optional(),
    storeConnection: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('Of a cloud, object, raster or big data store: the whole new connection'),
    objectStore: z.string().min(1).max(1_000).optional().describe('Of a cloud or object store'),
  })
  .superRefine((params, check) => {
    const fault = (path: string, message: string) =>
      check.addIssue({ code: 'custom', path: [path], message });
    const { site: _site, item: _item, ...changes } = params;
    if (Object.values(changes).every((value) => value === undefined))
      fault('item', 'nothing is to be changed: send what shall be different');
    if (params.connection && params.connectionString)
      fault('connection', 'not beside connectionString');
    if (params.clientConnection && params.clientConnectionString !== undefined)
      fault('clientConnection', 'not beside clientConnectionString');
    if (params.password && params.passwordFrom) fault('passwordFrom', 'not beside password');
    if (params.connection && (params.password || params.passwordFrom))
      fault('connection', 'has a place of its own for the password');
  })
  .meta({ id: 'UpdateDataStoreInputs' });
export type UpdateDataStoreParams = z.output<typeof UpdateDataStoreParams>;

export const UpdateDataStoreResult = DataStoreRegistrationResult.meta({
  id: 'UpdateDataStoreResults',
});
export type UpdateDataStoreResult = z.output<typeof UpdateDataStoreResult>;
