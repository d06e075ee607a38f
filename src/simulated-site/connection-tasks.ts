import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { encryptPassword } from './data-items.ts';
import { PublishFailure, toFailedOutcome } from './publish-failure.ts';
import { type JobOutcome, type SiteJob, succeeded } from './site-jobs.ts';
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
  if (in_connDataType === 'CONNECTION_STRING') return encryptPassword(in_inputData);
  const upload = site.uploads.find(in_inputData);
  if (in_connDataType !== 'UPLOADED_CONNECTION_FILE_ID' || !upload?.item.committed) {
    throw new PublishFailure([`'${in_inputData}' is no uploaded connection file.`, '999999']);
  }
  return encryptPassword(await readConnectionFile(upload.file));
}

/**
 * A text file that holds a connection string is taken at its word. Real connection files are binary; for
 * those a connection is invented from the file's name.
 */
async function readConnectionFile(file: string): Promise<string> {
  const text = await readFile(file, 'utf8');
  if (/^[\x20-\x7e\s]*$/.test(text) && /(^|;)\s*SERVER=/i.test(text)) return text.trim();
  const name = basename(file).replace(/\.[^.]*$/, '');
  return `SERVER=${name};INSTANCE=sde:postgresql:${name};DBCLIENT=postgresql;DB_CONNECTION_PROPERTIES=${name};DATABASE=${name};USER=gisuser;PASSWORD=x;VERSION=sde.DEFAULT;AUTHENTICATION_MODE=DBMS`;
}

/** @see Esri, "Validate Server Data Store" of System/PublishingTools */
export async function runValidationTask(site: SiteState, job: SiteJob): Promise<JobOutcome> {
  await site.pause(site.settings.publishMs / 4, job.cancel.signal);
  const out_serverCanAccess = site.faults.look('unreachable-data') === undefined;
  return succeed(site, job, { out_serverCanAccess });
}

function succeed(site: SiteState, job: SiteJob, results: Record<string, unknown>): JobOutcome {
  return { status: 'esriJobSucceeded', messages: [succeeded(job, site.now())], results };
}
