import { DocumentError } from '../lib/errors.ts';
import { changeDatabase, toDatabaseString } from './change-database.ts';
import { changeServiceUrl } from './change-service-url.ts';
import type { CimNode } from './cim-node.ts';
import { findValue, parsePairs, withPairs } from './connection-pairs.ts';
import { kindOf } from './describe-connection.ts';
import type { ConnectionKind, DocumentConnection } from './document-connection.ts';
import type { SourceTarget } from './map-edits.ts';

const factories: Partial<Record<ConnectionKind, string>> = {
  ...{ filegdb: 'FileGDB', shapefile: 'Shapefile', sde: 'SDE', raster: 'Raster', access: 'Access' },
  ...{ text: 'DelimitedTextFile', excel: 'Excel', sqlite: 'SQLite', tin: 'Tin', cad: 'Cad' },
  ...{ netcdf: 'NetCDF', service: 'FeatureService' },
};
/** A target with the kind that it has in the end. */
type Wish = Omit<SourceTarget, 'kind'> & { kind?: ConnectionKind | undefined };

const databaseMembers = [
  ...(['platform', 'host', 'instance', 'database', 'user', 'version', 'authentication'] as const),
];

/**
 * Changes one connection in place: only the members that the target names, and those that follow from them.
 *
 * @returns what people should know of it
 * @throws DocumentError edit_refused for a target that the class of connection cannot have
 */
export function changeConnection(
  node: CimNode,
  before: DocumentConnection,
  target: SourceTarget,
): string[] {
  const kind = kindOf(node);
  const isService = /ServiceConnection$/.test(node.className);
  if (kind === 'join' || kind === 'function' || kind === 'memory') {
    throw refused(`a connection of the kind ${kind} has no source of its own`);
  }
  const wanted = target.kind ?? (kind === 'other' ? undefined : kind);
  if (
    (isService || kind === 'vector-tiles') &&
    (wanted !== kind || hasDatabase(target) || target.path)
  ) {
    throw refused('a service layer can only get another url');
  }
  if (isService || kind === 'vector-tiles') return changeServiceUrl(node, target);
  checkFits(node, wanted, target);
  const wish = { ...target, kind: wanted };
  const notes = changeWorkspace(node, { ...before, kind }, wish);
  notes.push(...changeDataset(node, before, wish));
  return notes;
}

function hasDatabase(target: SourceTarget): boolean {
  return databaseMembers.some((name) => target[name] !== undefined);
}

function checkFits(node: CimNode, kind: ConnectionKind | undefined, target: SourceTarget): void {
  const isQuery = node.className === 'CIMSqlQueryDataConnection';
  if (isQuery && kind !== 'sde') throw refused('a query layer can only stay in a database');
  if (!isQuery && target.query !== undefined) throw refused('only a query layer has a query');
  if (hasDatabase(target) && kind !== 'sde') {
    throw refused(
      'host, database and the like belong to the kind sde: name it, if the source shall be one',
    );
  }
  if (target.path !== undefined && (kind === 'sde' || kind === 'service')) {
    throw refused(`a source of the kind ${kind} has no path`);
  }
  if (target.url !== undefined && kind !== 'service') throw refused('only a service has a url');
}

function changeWorkspace(node: CimNode, before: DocumentConnection, target: Wish): string[] {
  const text = node.text('workspaceConnectionString');
  const isOtherKind = target.kind !== undefined && target.kind !== before.kind;
  const factory = target.kind && factories[target.kind];
  if (isOtherKind && factory) node.setText('workspaceFactory', factory);
  if (target.kind === 'sde') {
    const { text: changed, notes } = isOtherKind
      ? { text: toDatabaseString(target), notes: [] }
      : changeDatabase(text, target);
    if (changed !== text) setWorkspace(node, changed);
    return notes;
  }
  const place = target.url ?? target.path;
  if (place === undefined) {
    if (isOtherKind) throw refused('another kind of source needs its path or url');
    return [];
  }
  if (place.includes(';')) throw refused('a path or url with a semicolon cannot be written');
  const key = target.kind === 'service' ? 'URL' : 'DATABASE';
  const isBare = !text.includes('=') && text !== '' && !isOtherKind;
  const isKept = !isOtherKind && findValue(parsePairs(text), key) !== undefined;
  if (isBare || target.kind === 'tin') setWorkspace(node, place);
  else setWorkspace(node, isKept ? withPairs(text, { [key]: place }) : `${key}=${place}`);
  return [];
}

function setWorkspace(node: CimNode, text: string): void {
  const after = node.child('featureDataset') ? 'featureDataset' : 'type';
  node.setText('workspaceConnectionString', text, { after });
}

/** Names of datasets carry the database and its owner, in files they carry neither. */
function changeDataset(node: CimNode, before: DocumentConnection, target: Wish): string[] {
  const notes: string[] = [];
  const old = node.text('dataset');
  const toFiles = before.kind === 'sde' && target.kind !== 'sde';
  const prefixed = (name: string) => withOtherDatabase(name, before.database, target.database);
  const follow = (name: string) => (toFiles ? (name.split('.').at(-1) ?? name) : prefixed(name));
  const dataset = target.dataset ?? withoutExtension(follow(old), before, target);
  if (dataset !== old) node.setText('dataset', dataset, { after: 'workspaceFactory' });
  changeFeatureDataset(node, target, follow);
  const isQuery = node.className === 'CIMSqlQueryDataConnection';
  if (target.query !== undefined) node.setText('sqlQuery', target.query);
  if (isQuery && (dataset !== old || target.query !== undefined) && node.child('queryFields')) {
    node.remove('queryFields');
    notes.push('The fields of the query were taken out: ArcGIS reads them anew');
  }
  if (dataset !== old && target.dataset === undefined) {
    notes.push(
      `The dataset is now called ${dataset}, for the name before does not fit the new source`,
    );
  }
  if (before.kind !== 'sde' && target.kind === 'sde' && target.dataset === undefined) {
    notes.push(
      `The dataset is still called ${old}: in a database it has the owner before its name`,
    );
  }
  return notes;
}

function withOtherDatabase(name: string, from: string | undefined, to: string | undefined): string {
  if (!from || !to || from.toLowerCase() === to.toLowerCase()) return name;
  const isPrefixed = name.toLowerCase().startsWith(`${from.toLowerCase()}.`);
  return isPrefixed ? to + name.slice(from.length) : name;
}

function withoutExtension(name: string, before: DocumentConnection, target: Wish): string {
  const leavesFiles = before.kind === 'shapefile' && target.kind !== 'shapefile';
  return leavesFiles ? name.replace(/\.shp$/i, '') : name;
}

function changeFeatureDataset(node: CimNode, target: Wish, follow: (name: string) => string): void {
  const old = node.text('featureDataset');
  const canHave = target.kind === 'filegdb' || target.kind === 'sde' || target.kind === 'access';
  const wanted =
    target.featureDataset === undefined ? (canHave ? follow(old) : '') : target.featureDataset;
  if (target.featureDataset && !canHave) {
    throw refused('only a geodatabase has feature datasets');
  }
  const isOfDataset = node.className === 'CIMFeatureDatasetDataConnection';
  if (wanted) {
    if (!isOfDataset && node.className !== 'CIMStandardDataConnection') {
      throw refused(`a ${node.className} cannot have a feature dataset`);
    }
    if (!isOfDataset) node.setClass('CIMFeatureDatasetDataConnection');
    if (wanted !== old) node.setText('featureDataset', wanted, { after: 'type' });
  } else if (isOfDataset) {
    node.setClass('CIMStandardDataConnection');
    node.remove('featureDataset');
  }
}

export function refused(why: string): DocumentError {
  return new DocumentError('edit_refused', `The source cannot be changed so: ${why}.`);
}
