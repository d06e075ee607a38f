import { z } from 'zod';
import { DocumentError } from '../lib/errors.ts';
import { holdsSecret } from './connection-string.ts';

const Text = z.string().catch('');
const Instances = z.coerce.number().optional().catch(undefined);

/** Only what we use; keys are compared without case, and each version of ArcGIS adds its own. */
const Extension = z.looseObject({
  typename: Text,
  enabled: z.union([z.string(), z.boolean()]).catch('false'),
  capabilities: Text,
});
const Service = z.looseObject({
  servicename: Text,
  type: Text,
  capabilities: Text,
  provider: Text,
  mininstancespernode: Instances,
  maxinstancespernode: Instances,
  extensions: z.array(z.unknown()).catch([]),
});

export type ServiceConfiguration = {
  folder: string;
  serviceName: string;
  type: string;
  capabilities: string[];
  provider: string | undefined;
  minInstances: number | undefined;
  maxInstances: number | undefined;
  extensions: { typeName: string; isEnabled: boolean; capabilities: string[] }[];
  secretPlaces: string[];
};

/**
 * Reads serviceconfiguration.json.
 *
 * @throws DocumentError unreadable_document when it is not JSON or describes no service
 * @see Esri, ArcGIS Server Administrator API, "Service" for the keys
 */
export function readServiceConfiguration(content: Buffer): ServiceConfiguration {
  const root = parseJson(content);
  const service = withLowerKeys(withLowerKeys(root).service);
  const parsed = Service.safeParse(service);
  if (!parsed.success || parsed.data.type === '') {
    throw new DocumentError(
      'unreadable_document',
      'serviceconfiguration.json describes no service: it has no service.type.',
    );
  }
  const { data } = parsed;
  return {
    folder: toFolder(withLowerKeys(root).foldername),
    serviceName: data.servicename,
    type: data.type,
    capabilities: splitList(data.capabilities),
    provider: data.provider || undefined,
    minInstances: data.mininstancespernode,
    maxInstances: data.maxinstancespernode,
    extensions: data.extensions.map(readExtension),
    secretPlaces: findSecretPlaces(root, ''),
  };
}

function parseJson(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    // The parser's own words would quote the text, which may hold a password.
    throw new DocumentError('unreadable_document', 'serviceconfiguration.json is not JSON.', {
      cause: new Error((error as Error).name),
    });
  }
}

function withLowerKeys(value: unknown): Record<string, unknown> {
  if (value === null || typeof value !== 'object') return {};
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key.toLowerCase(), inner as unknown]),
  );
}

function toFolder(folderName: unknown): string {
  return typeof folderName === 'string' ? folderName.replace(/^\/+|\/+$/g, '') : '';
}

/** `"Map, Query"` as a list; blanks and empty parts fall away. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
}

function readExtension(raw: unknown): ServiceConfiguration['extensions'][number] {
  const extension = Extension.parse(withLowerKeys(raw));
  return {
    typeName: extension.typename,
    isEnabled: String(extension.enabled).toLowerCase() === 'true',
    capabilities: splitList(extension.capabilities),
  };
}

function findSecretPlaces(value: unknown, place: string): string[] {
  if (typeof value === 'string') return holdsSecret(value) ? [place] : [];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const at = place ? `${place}.${key}` : key;
    const isNamedSecret = /password|secret(?!.*arn)|accountKey/i.test(key);
    if (isNamedSecret && typeof inner === 'string' && inner !== '') return [at];
    return findSecretPlaces(inner as unknown, at);
  });
}
