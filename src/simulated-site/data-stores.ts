import type { DataItem } from './data-items.ts';

/** Members that each kind of credential needs. Esri, "Data Item", cloud store. */
const credentials: Record<string, Record<string, string[]>> = {
  amazon: { accessKey: ['accessKeyId', 'secretAccessKey'], IAMRole: [] },
  azure: {
    accessKey: ['accountName', 'accountKey'],
    sasToken: ['accountName', 'sasToken'],
    servicePrincipal: ['accountName', 'tenantId', 'clientId', 'clientSecret'],
    userAssignedIdentity: ['accountName', 'managedIdentityClientId'],
  },
};

/** What stands in the way of using a store whose connection is JSON text. The words are not those of ArcGIS. */
export function faultOfStore(
  { type, provider, info }: DataItem,
  connectionString: string,
): string | undefined {
  const connection = toObject(connectionString);
  if (!connection) return 'has a connection that is no JSON';
  if (type === 'rasterStore' || type === 'bigDataFileShare') {
    if (typeof connection.path !== 'string' || !connection.path) return 'names no path';
    if (!/^(?:[\\/]{2}[^\\/]+[\\/][^\\/]|\/[^/]|[A-Za-z]:[\\/])/.test(connection.path))
      return `has a path that is not whole: ${connection.path}`;
    return info.connectionType ? undefined : 'does not say what kind of connection it is';
  }
  if (type !== 'cloudStore' && type !== 'objectStore') return undefined;
  if (!provider) return 'names no provider';
  if (!info.objectStore) return 'names no bucket or container';
  const kinds = credentials[provider];
  if (!kinds) return undefined; // the keys of other providers are not documented where they could be read
  const kind = String(connection.credentialType ?? 'accessKey'); // older azure stores name none
  const needed = kinds[kind];
  if (!needed) return `has credentials of an unknown kind: ${kind}`;
  const missing = needed.filter((key) => !connection[key]);
  return missing.length > 0 ? `lacks ${missing.join(', ')}` : undefined;
}

function toObject(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
    return isObject ? (json as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
