import { z } from 'zod';
import { kindOfPath } from './register-folder/schema.ts';

const Secret = z.string().min(1).max(8_000);
const key = z.string().min(1).max(500);

/** Amazon S3, and what speaks its protocol. @see Esri, "Data Item", cloud store */
export const AmazonConnection = z
  .strictObject({
    credentialType: z
      .enum(['accessKey', 'IAMRole'])
      .default('accessKey')
      .describe('`IAMRole`: the machines of the site have a role of their own'),
    accessKeyId: key.optional(),
    secretAccessKey: Secret.optional().describe('Sealed at once, and wiped when the job ends'),
    secretFrom: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/)
      .optional()
      .describe('Name of a secret of the configuration in place of `secretAccessKey`'),
    region: key.optional().describe('Such as `eu-west-1`'),
    regionEndpointUrl: key
      .optional()
      .describe('Address of a store that speaks the protocol of S3, or of a private endpoint'),
    defaultEndpointsProtocol: z.enum(['https', 'http']).default('https'),
  })
  .superRefine((connection, check) => {
    const { credentialType, accessKeyId, secretAccessKey, secretFrom } = connection;
    const isKey = credentialType === 'accessKey';
    const fault = (path: string, message: string) =>
      check.addIssue({ code: 'custom', path: [path], message });
    if (isKey && !accessKeyId) fault('accessKeyId', 'is needed with accessKey');
    if (isKey && !secretAccessKey && !secretFrom)
      fault('secretAccessKey', 'is needed with accessKey');
    if (!isKey && (accessKeyId || secretAccessKey || secretFrom))
      fault('credentialType', 'a role has no key: leave the key out');
    if (!connection.region && !connection.regionEndpointUrl)
      fault('region', 'is needed, or regionEndpointUrl');
  })
  .meta({ id: 'AmazonConnection' });

/** Which member holds the secret of each kind of credential, and what stands beside it. */
const azureCredentials = {
  accessKey: { secret: 'accountKey', others: [] },
  sasToken: { secret: 'sasToken', others: [] },
  servicePrincipal: { secret: 'clientSecret', others: ['tenantId', 'clientId'] },
  userAssignedIdentity: { secret: undefined, others: ['managedIdentityClientId'] },
} as const;

/** @see Esri, "Data Item", cloud store */
export const AzureConnection = z
  .strictObject({
    credentialType: z
      .enum(['accessKey', 'sasToken', 'servicePrincipal', 'userAssignedIdentity'])
      .default('accessKey'),
    accountName: key,
    accountEndpoint: key.default('core.windows.net'),
    accountKey: Secret.optional().describe('With `accessKey`'),
    sasToken: Secret.optional().describe('With `sasToken`'),
    tenantId: key.optional().describe('With `servicePrincipal`'),
    clientId: key.optional().describe('With `servicePrincipal`'),
    clientSecret: Secret.optional().describe('With `servicePrincipal`'),
    authorityHost: key
      .optional()
      .describe('With `servicePrincipal`, where it is not the usual one'),
    managedIdentityClientId: key.optional().describe('With `userAssignedIdentity`'),
    secretFrom: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/)
      .optional()
      .describe('Name of a secret of the configuration in place of key, token or secret'),
    regionEndpointUrl: key.optional(),
    defaultEndpointsProtocol: z.enum(['https', 'http']).default('https'),
  })
  .superRefine((connection, check) => {
    const { secret, others } = azureCredentials[connection.credentialType];
    const needed = [...others, ...(secret && !connection.secretFrom ? [secret] : [])];
    for (const member of needed) {
      if (connection[member] !== undefined) continue;
      const message = `is needed with ${connection.credentialType}`;
      check.addIssue({ code: 'custom', path: [member], message });
    }
  })
  .meta({ id: 'AzureConnection' });

/** Of raster stores and big data file shares. */
export const PathConnection = z
  .strictObject({
    path: key
      .refine((path) => kindOfPath(path) !== undefined, {
        message: 'a whole path of a share, or of an item such as /cloudStores/imagery',
      })
      .describe('A share as the site sees it, or an item such as `/cloudStores/imagery`'),
  })
  .meta({ id: 'PathConnection' });

/** The kinds that have a schema of their own; the others pass through as they are. */
export function connectionSchemaOf(
  type: string,
  provider: string | undefined,
): z.ZodType | undefined {
  if (type === 'rasterStore' || type === 'bigDataFileShare') return PathConnection;
  if (type !== 'cloudStore' && type !== 'objectStore') return undefined;
  if (provider === 'amazon') return AmazonConnection;
  return provider === 'azure' ? AzureConnection : undefined;
}

/** The folder of a kind of item on a site; one that we do not know has to be named. */
export const foldersByType: Record<string, string> = {
  folder: '/fileShares',
  egdb: '/enterpriseDatabases',
  cloudStore: '/cloudStores',
  objectStore: '/cloudStores',
  rasterStore: '/rasterStores',
  bigDataFileShare: '/bigDataFileShares',
  nosql: '/nosqlDatabases',
};

type Connection = Record<string, unknown>;

/** Puts a secret of the configuration where this kind of credential has it. */
export async function withNamedSecret(
  connection: Connection,
  read: (name: string) => Promise<string>,
): Promise<Connection> {
  const { secretFrom, ...others } = connection;
  if (typeof secretFrom !== 'string') return connection;
  const credentials: Record<string, { secret: string | undefined }> = azureCredentials;
  const { secret } = credentials[String(others.credentialType)] ?? { secret: undefined };
  const member = 'accountName' in others ? secret : 'secretAccessKey';
  return member === undefined ? others : { ...others, [member]: await read(secretFrom) };
}

/**
 * JSON as text inside a string: with an object in its place a site takes the item, keeps empty fields,
 * and cannot use it (seen at 12.1).
 */
export function toConnectionText(connection: Connection): string {
  return JSON.stringify(connection);
}
