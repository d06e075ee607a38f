import { DocumentError } from '../lib/errors.ts';
import { redactSecrets } from '../lib/redact.ts';
import { toText } from './cim-node.ts';
import { findSecrets } from './document-secrets.ts';
import type { DraftContent } from './draft-content.ts';
import { splitList } from './service-configuration.ts';
import { parseXmlNode, type XmlNode } from './xml-node.ts';

/** Keys whose values are places at the author's or the server's: nothing for an answer. */
const privateKeys =
  /path|dir$|directory|toolbox|folder|locator$|connectionstring|workspaces?$|resource$|file$|url$|username/i;

const maxPlaces = 200;

/** @throws DocumentError unreadable_document */
export function openDraft(content: Buffer, name: string): XmlNode {
  const root = parseXmlNode(toText(content, name), name);
  if (root.key !== 'SVCManifest') {
    throw new DocumentError(
      'unreadable_document',
      `${name} is an XML text, but no service definition draft: its root is no SVCManifest.`,
    );
  }
  return root;
}

/** What a draft says of its service. Every value is found by its whole path: names repeat on many levels. */
export function describeDraft(root: XmlNode): DraftContent {
  const service = nodeAt(root, 'Configurations', 'SVCConfiguration');
  const definition = service?.child('Definition');
  const item = root.child('ItemInfo');
  const settings = propertiesAt(root.child('StagingSettings'));
  const optional = {
    schemaVersion: /\/ArcGIS\/([\d.]+)["']/i.exec(root.openTag)?.[1],
    creatorVersion: valueIn(settings, 'SDCreatorVersion'),
    title: item?.text('Title'),
    description: definition?.text('Description') || item?.text('Description'),
    summary: item?.text('Snippet'),
    credits: item?.text('Credits'),
    useLimitation: item?.text('AccessInformation'),
  };
  return {
    kind: 'service-definition-draft',
    serviceName: service?.text('Name') || root.text('Name'),
    folder: service?.text('ServiceFolder') ?? '',
    type: service?.text('TypeName') ?? '',
    publishType: /_Replacement$/i.test(root.text('Type')) ? 'Replacement' : 'New',
    state: withoutPrefix(root.text('State')),
    serverType: withoutPrefix(root.text('ServerType')),
    ...(Object.fromEntries(
      Object.entries(optional).flatMap(([key, value]) =>
        value ? [[key, redactSecrets(value)]] : [],
      ),
    ) as typeof optional extends Record<infer Key, unknown> ? { [K in Key]?: string } : never),
    tags: item ? readTags(item) : [],
    capabilities: splitList(
      valueIn(propertiesAt(definition?.child('Info')), 'WebCapabilities') ?? '',
    ),
    extensions: extensionsOf(root).map((extension) => ({
      typeName: extension.text('TypeName'),
      isEnabled: extension.text('Enabled').trim().toLowerCase() === 'true',
      capabilities: splitList(
        valueIn(propertiesAt(extension.child('Info')), 'WebCapabilities') ?? '',
      ),
    })),
    pool: toRecord(propertiesAt(definition?.child('Props'))),
    properties: toRecord(propertiesAt(definition?.child('ConfigurationProperties'))),
    copiesData:
      valueIn(settings, 'IncludeDataInSDFile')?.toLowerCase() === 'true' &&
      root.text('ByReference').trim().toLowerCase() === 'false',
    secretsFound: findSecretSettings(root).map((where) => ({ where })),
  };
}

export function nodeAt(root: XmlNode | undefined, ...path: string[]): XmlNode | undefined {
  return path.reduce<XmlNode | undefined>((at, name) => at?.child(name), root);
}

export function extensionsOf(root: XmlNode): XmlNode[] {
  const definition = nodeAt(root, 'Configurations', 'SVCConfiguration', 'Definition');
  return definition?.items('Extensions') ?? [];
}

/** The entries of a property set: each has a Key and a Value. */
export function propertiesAt(set: XmlNode | undefined): XmlNode[] {
  return set?.items('PropertyArray') ?? [];
}

export function findProperty(set: XmlNode | undefined, key: string): XmlNode | undefined {
  const wanted = key.toLowerCase();
  return propertiesAt(set).find((each) => each.text('Key').toLowerCase() === wanted);
}

function valueIn(properties: readonly XmlNode[], key: string): string | undefined {
  const wanted = key.toLowerCase();
  return properties.find((each) => each.text('Key').toLowerCase() === wanted)?.text('Value');
}

function toRecord(properties: readonly XmlNode[]): Record<string, string> {
  return Object.fromEntries(
    properties.flatMap((property) => {
      const key = property.text('Key');
      if (privateKeys.test(key)) return [];
      return [[key, redactSecrets(property.text('Value').slice(0, 2_000))]];
    }),
  );
}

function readTags(item: XmlNode): string[] {
  const tags = item.child('Tags');
  if (!tags) return [];
  return tags.children.length > 0 ? tags.kept.map((tag) => tag.text()) : splitList(tags.text());
}

/** Of a property whose key says that it is a secret, and of any text that holds one. */
function findSecretSettings(root: XmlNode): string[] {
  const places = new Set(findSecrets(root));
  const named: string[] = [];
  root.walk((node) => {
    if (named.length >= maxPlaces) return;
    if (node.key !== 'PropertySetProperty' || node.text('Value') === '') return;
    const key = node.text('Key');
    const set = node.parent?.parent?.key ?? '';
    if (/password|secret/i.test(key)) named.push(`${set}/${key}`);
    else if (findSecrets(node).length > 0) named.push(`${set}/${key}`);
  });
  const isTold = (place: string) => !/PropertySetProperty/.test(place);
  return [...new Set([...named, ...[...places].filter(isTold)])];
}

/** `esriSDState_Draft` says `Draft`. */
function withoutPrefix(value: string): string {
  return value.trim().replace(/^esri\w+?_/i, '');
}
