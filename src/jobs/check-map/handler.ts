import type { DocumentContent } from '../../documents/document-content.ts';
import { findDraftFaults } from '../../documents/find-draft-faults.ts';
import { chosenMaps, findMapFaults, type MapFault } from '../../documents/find-map-faults.ts';
import { DocumentError } from '../../lib/errors.ts';
import { isRefusal } from '../../sites/site-errors.ts';
import { findDataStoreItems } from '../../sites/site-reader.ts';
import { toFinding } from '../analysis-codes.ts';
import { borrowUpload, getUpload } from '../document-inputs.ts';
import type { JobContext } from '../job-type.ts';
import { notChecked } from './not-checked.ts';
import type { CheckMapFinding, CheckMapParams, CheckMapResult } from './schema.ts';
import { findUnregisteredData } from './unregistered-data.ts';

/** Reads only, so there is nothing to take up again and nothing to put back. */
export async function checkMap(
  params: CheckMapParams,
  context: JobContext,
): Promise<CheckMapResult> {
  const upload = await getUpload(params.document, context);
  const { name } = upload;
  const content = await borrowUpload(upload, context, (path) =>
    context.documents.readDocument(path, { name, folder: params.folder, signal: context.signal }),
  );
  const faults = findFaults(content, params);
  const { faults: unregistered, site } = await compareWithSite(content, params, context);
  const findings = [...faults, ...unregistered]
    .map((fault) => toCheckFinding(fault, params))
    .sort((one, other) => rank(one) - rank(other));
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  return {
    ...{ name, kind: content.kind, errors, warnings, findings },
    ...(site && { site }),
    notChecked,
  };
}

function findFaults(content: DocumentContent, params: CheckMapParams): MapFault[] {
  if (content.kind === 'service-definition-draft') return findDraftFaults(content, params);
  if (!('maps' in content)) {
    throw new DocumentError('unreadable_document', `The document is a ${content.kind}, no map.`);
  }
  if (chosenMaps(content, params.map).length === 0 && params.map !== undefined) {
    const names = content.maps.map((map) => map.name).join(', ') || 'none';
    throw new DocumentError(
      'nothing_matched',
      `There is no map ${JSON.stringify(params.map)}; the document holds ${names}.`,
    );
  }
  return findMapFaults(content, params);
}

async function compareWithSite(
  content: DocumentContent,
  params: CheckMapParams,
  { sites, signal }: JobContext,
): Promise<{ faults: MapFault[]; site?: CheckMapResult['site'] }> {
  if (params.site === undefined) return { faults: [] };
  const name = params.site;
  if (!('maps' in content)) {
    return { faults: [], site: { name, note: 'A draft does not tell where the data are.' } };
  }
  const site = sites.get(name);
  const items = await findDataStoreItems(site, { types: ['folder', 'egdb'], signal }).catch(
    (error: unknown) => {
      if (isRefusal(error)) return undefined;
      throw error;
    },
  );
  if (!items) {
    return { faults: [], site: { name, note: 'The account may not list registered data.' } };
  }
  return {
    faults: findUnregisteredData(content, items, params),
    site: { name, items: items.length },
  };
}

function toCheckFinding(
  { code, layer, map, detail, isCertain }: MapFault,
  { copiedData }: CheckMapParams,
): CheckMapFinding {
  const finding = toFinding(code, { layer, detail });
  const isRefused = finding.copiesData && copiedData === 'refuse';
  return {
    ...finding,
    ...(isRefused && { severity: 'error' as const }),
    ...(map && { map }),
    isCertain,
  };
}

function rank({ severity }: CheckMapFinding): number {
  return ['error', 'warning', 'message'].indexOf(severity);
}
