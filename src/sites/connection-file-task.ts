import { z } from 'zod';
import { parseAnswer } from './answer-shapes.ts';
import { toJobPath } from './publishing.ts';
import { type PublishingToolsName, publishingToolsTarget } from './publishing-tools.ts';
import { toRestPath } from './service-target.ts';
import type { CallOptions } from './site-client.ts';
import { type SiteJob, type SiteJobRef, toSiteJob } from './site-job.ts';
import type { Site } from './sites.ts';

/** The task, and the input that names the upload: a site job is found again by both. */
export const connectionFileTask = {
  task: 'Get Database Connection String',
  input: 'in_inputData',
} as const;

/**
 * Has the site read an uploaded connection file. It changes nothing on the site, so it may be asked again.
 *
 * @see Esri, "Get Database Connection String (System/PublishingTools)"
 */
export async function submitConnectionFile(
  site: Site,
  tools: PublishingToolsName,
  { itemId }: { itemId: string },
  { signal }: CallOptions = {},
): Promise<SiteJob> {
  const to = `read the connection file ${itemId}`;
  const params = {
    in_connDataType: 'UPLOADED_CONNECTION_FILE_ID',
    [connectionFileTask.input]: itemId,
  };
  const tasks = toRestPath(publishingToolsTarget(tools));
  const path = [...tasks, connectionFileTask.task, 'submitJob'];
  const json = await site.client.change('rest', path, { to, params, signal });
  return toSiteJob(json, { tools }, { site: site.name, to, kind: 'change' });
}

const ResultAnswer = z.looseObject({ value: z.string().min(1) });

/** The connection string, with the password as the site encrypts it: not to be shown or kept in clear. */
export async function readConnectionStringResult(
  site: Site,
  ref: SiteJobRef,
  { signal }: CallOptions = {},
): Promise<string> {
  const to = `hand out the connection string of the site job ${ref.siteJobId}`;
  const path = [
    ...toJobPath({ ...ref, task: connectionFileTask.task }),
    'results',
    'out_connectionString',
  ];
  const json = await site.client.read('rest', path, { to, signal });
  return parseAnswer(ResultAnswer, json, { site: site.name, to, kind: 'read' }).value;
}
