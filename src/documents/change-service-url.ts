import { DocumentError } from '../lib/errors.ts';
import type { CimNode } from './cim-node.ts';
import type { SourceTarget } from './map-edits.ts';

/**
 * Points a service layer at another address. The address of its site and the name of the service stand beside
 * it and follow.
 *
 * @throws DocumentError edit_refused for what is no address
 */
export function changeServiceUrl(node: CimNode, target: SourceTarget): string[] {
  const { url } = target;
  if (url === undefined) return [];
  if (!URL.canParse(url)) {
    throw new DocumentError('edit_refused', `${url} is no address of a service.`);
  }
  if (node.className === 'CIMVectorTileDataConnection') {
    node.setText('uRI', url);
    return [];
  }
  const before = node.text('url') || node.child('serverConnection')?.text('url') || '';
  if (node.child('url')) node.setText('url', url);
  followSite(node, before, url);
  const objectName = node.text('objectName');
  const [oldName, newName] = [serviceNameIn(before), serviceNameIn(url)];
  if (newName && oldName && objectName.toLowerCase() === oldName.toLowerCase()) {
    node.setText('objectName', newName);
  }
  return [];
}

function followSite(node: CimNode, before: string, after: string): void {
  const server = node.child('serverConnection') as CimNode | undefined;
  const site = server?.text('url') ?? '';
  if (!server || site === '') return;
  const [oldPrefix, newPrefix] = withoutCommonEnd(before, after);
  if (site.toLowerCase().startsWith(oldPrefix.toLowerCase())) {
    server.setText('url', newPrefix + site.slice(oldPrefix.length));
    return;
  }
  const root = /^(.*?\/services)(?:\/|$)/i.exec(after)?.[1];
  const isRest = /\/rest\/services/i.test(site);
  if (root && /\/services\/?$/i.test(site)) {
    const plain = root.replace(/\/rest\/services$/i, '/services');
    server.setText('url', (isRest ? root : plain) + (site.endsWith('/') ? '/' : ''));
    return;
  }
  if (site.toLowerCase() === before.toLowerCase()) server.setText('url', after);
  else if (URL.canParse(site)) {
    const { origin } = new URL(after);
    server.setText('url', origin + site.slice(new URL(site).origin.length));
  }
}

function withoutCommonEnd(one: string, other: string): [string, string] {
  let length = 0;
  while (
    length < one.length &&
    length < other.length &&
    one.at(-1 - length) === other.at(-1 - length)
  ) {
    length += 1;
  }
  // Cut at a slash, else a common end of two names would count as the same name.
  const end = one.slice(one.length - length);
  const cut = end.indexOf('/');
  const kept = cut < 0 ? 0 : length - cut;
  return [one.slice(0, one.length - kept), other.slice(0, other.length - kept)];
}

/** `Folder/Name` of `…/services/Folder/Name/MapServer`. */
function serviceNameIn(url: string): string | undefined {
  return /\/services\/(.+?)\/(?:Map|Image|Feature|Globe|Scene)Server/i.exec(url)?.[1];
}
