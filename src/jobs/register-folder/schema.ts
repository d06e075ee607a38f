import { z } from 'zod';
import { DataStoreName, DataStoreRegistrationResult } from '../data-store-item.ts';

const uncPath = /^(?:\\\\|\/\/)[^\\/]+[\\/][^\\/]/;
const drivePath = /^[A-Za-z]:[\\/]/;
const linuxPath = /^\/[^/]/;

/** Kinds of paths: a share, a drive letter, or a path of Linux. */
export function kindOfPath(path: string): 'unc' | 'drive' | 'linux' | undefined {
  if (uncPath.test(path)) return 'unc';
  if (drivePath.test(path)) return 'drive';
  return linuxPath.test(path) ? 'linux' : undefined;
}

export const FolderPath = z
  .string()
  .max(1_000)
  .refine((path) => kindOfPath(path) !== undefined && !/[\p{Cc}<>"|?*]/u.test(path), {
    message: 'a whole path: \\\\server\\share\\folder, /linux/folder or C:\\folder',
  });

export const RegisterFolderParams = z
  .strictObject({
    site: z.string().min(1).max(63).describe('Name of a configured site'),
    name: DataStoreName.describe('Name of the item; its path becomes `/fileShares/{name}`'),
    path: FolderPath.describe('The folder as the machines of the site see it'),
    clientPath: FolderPath.optional().describe(
      "The same data as the publisher's machine sees them, where that differs: the item is then replicated",
    ),
    hostName: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,253}$/, 'the name of a machine')
      .optional()
      .describe("The publisher's machine; needed where `clientPath` is a path on that machine"),
    ifExists: z
      .enum(['fail', 'update'])
      .default('fail')
      .describe('What to do when an item of that name is there with other content'),
  })
  .superRefine(({ clientPath, hostName }, check) => {
    if (clientPath === undefined || hostName !== undefined || kindOfPath(clientPath) === 'unc')
      return;
    check.addIssue({
      code: 'custom',
      path: ['hostName'],
      message: 'is needed: clientPath is a path on one machine only',
    });
  })
  .meta({ id: 'RegisterFolderInputs' });
export type RegisterFolderParams = z.output<typeof RegisterFolderParams>;

export const RegisterFolderResult = DataStoreRegistrationResult.meta({
  id: 'RegisterFolderResults',
});
export type RegisterFolderResult = z.output<typeof RegisterFolderResult>;
