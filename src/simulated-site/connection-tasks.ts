import { readFile } from 'node:fs/promises';
import { readConnectionProperties } from '../documents/connection-file.ts';
import { DocumentError } from '../lib/errors.ts';
import { PublishFailure, toFailedOutcome } from './publish-failure.ts';
import { type JobOutcome, type SiteJob, succeeded } from './site-jobs.ts';
import { SiteRefusal } from './site-refusal.ts';
import type { SiteState } from './site-state.ts';

/** @see Esri, "Get Database Connection String" of System/PublishingTools */
export async function runConnectionTask(site: SiteState, job: SiteJob): Promise<JobOutcome> {
  await site.pause(site.settings.publishMs / 4, job.cancel.signal);
  try {
    const out_connectionString = await toConnectionString(site, job);
    return succeed(site, job, { out_connectionString });
  } catch (error) {
    if (error instanceof PublishFailure) return toFailedOutcome(site, job, error, undefined);
    throw error;
  }
}

async function toConnectionString(site: SiteState, { inputs }: SiteJob): Promise<string> {
  const { in_connDataType, in_inputData = '' } = inputs;
  if (in_connDataType === 'CONNECTION_STRING') return site.connections.encrypt(in_inputData);
  const upload = site.uploads.find(in_inputData);
  if (in_connDataType !== 'UPLOADED_CONNECTION_FILE_ID' || !upload?.item.committed) {
    throw new PublishFailure([`'${in_inputData}' is no uploaded connection file.`, '999999']);
  }
  return readConnectionFile(site, upload.file);
}

/** The texts of a string's parts; in place of a saved password stands an invented encrypted one. */
async function readConnectionFile(site: SiteState, file: string): Promise<string> {
  try {
    const { properties, hasPassword } = readConnectionProperties(await readFile(file));
    const pairs = [...properties].filter(
      ([key, value]) => typeof value === 'string' && value && !notInStrings.has(key),
    );
    const password = hasPassword ? [`ENCRYPTED_PASSWORD=${site.connections.opaque()}`] : [];
    return [...password, ...pairs.map(([key, value]) => `${key}=${value}`)].join(';');
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    throw new PublishFailure(['The connection file cannot be read.', '999999']);
  }
}

/** Properties of a connection file that a connection string does not have, as far as files show. */
const notInStrings = new Set(['IS_GEODATABASE', 'CONNPROP-REV']);

/** @see Esri, "Validate Server Data Store" of System/PublishingTools */
export async function runValidationTask(site: SiteState, job: SiteJob): Promise<JobOutcome> {
  await site.pause(site.settings.publishMs / 4, job.cancel.signal);
  const { in_dataStore = '', in_dataStoreType } = job.inputs;
  const isFolder = in_dataStoreType === 'FILE_SHARE';
  const info = isFolder ? { path: in_dataStore } : { connectionString: in_dataStore };
  try {
    site.dataItems.validate({ path: in_dataStore, type: isFolder ? 'folder' : 'egdb', info });
    return succeed(site, job, { out_serverCanAccess: true });
  } catch (error) {
    if (!(error instanceof SiteRefusal)) throw error;
    return succeed(site, job, { out_serverCanAccess: false });
  }
}

function succeed(site: SiteState, job: SiteJob, results: Record<string, unknown>): JobOutcome {
  return { status: 'esriJobSucceeded', messages: [succeeded(job, site.now())], results };
}
