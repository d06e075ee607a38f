import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type ErrorCode, GatewayError } from '../lib/errors.ts';
import type { Problem } from '../lib/problem.ts';
import { findArtifact } from './artifact-records.ts';
import { adoptArtifact } from './artifact-uploads.ts';
import { refuseBothSites, siteNamesOf } from './data-store-selection.ts';
import { DefinitionResult } from './definition-making.ts';
import { linkToUpload } from './file-link.ts';
import {
  type Children,
  ChildrenFailedError,
  ChildrenResult,
  type ChildWish,
} from './job-children.ts';
import type { JobContext, JobType } from './job-type.ts';
import { publishServiceDefinitionJob } from './publish-service-definition/job-type.ts';
import { PublishServiceDefinitionParams } from './publish-service-definition/schema.ts';
import { registerFolderJob } from './register-folder/job-type.ts';
import { SiteName, Sites } from './site-fan-out.ts';
import { defineStep } from './step.ts';

const {
  site: _site,
  serviceDefinition: _definition,
  folder: _folder,
  serviceName: _serviceName,
  ifPlanIs: _plan, // the definition is made here: no plan can know it
  ...publishing
} = PublishServiceDefinitionParams.shape;

/** Inputs of `publish-map` and its kin beside those of the job that makes the definition. */
export const PublishingInputs = {
  site: SiteName.optional().describe('Name of a configured site'),
  sites: Sites,
  ...publishing,
  registerData: z
    .boolean()
    .default(false)
    .describe('Register the folders of data that the site has not registered, before publishing'),
} as const;

export const publishingChecks = refuseBothSites;

/** @returns the scopes of everything that a request would do */
export function scopesOfPublishing({
  ifExists,
  registerData,
}: {
  ifExists: string;
  registerData: boolean;
}): string[] {
  return [
    'publish:create',
    ...(ifExists === 'replace' ? ['publish:overwrite'] : []),
    ...(registerData ? ['datastores:register'] : []),
  ];
}

const Published = z.object({
  site: z.string(),
  definition: DefinitionResult.describe('What ArcPy made'),
  registeredFolders: z.array(z.string()).describe('Folders that were registered for it'),
  published: z.unknown().describe('Results of `publish-service-definition`'),
});

export const ArcpyPublishingResult = ChildrenResult.extend({
  services: z.array(Published).describe('One for each site'),
  warnings: z.array(z.string()),
});
export type ArcpyPublishingResult = z.output<typeof ArcpyPublishingResult>;

type Params = { site?: string | undefined; sites?: string[] | undefined; registerData: boolean };

/**
 * ArcPy makes a definition for each site, and the very recipe of `publish-service-definition` publishes it: three calls
 * for children, each once the one before was successful.
 */
export async function publishWithArcpy(
  makeJob: JobType,
  params: Params & Record<string, unknown>,
  context: JobContext,
): Promise<ArcpyPublishingResult> {
  const sites = siteNamesOf(params);
  const makeInputs = pick(params, Object.keys(makeJob.params.shape));
  const made = await run(
    context,
    sites.map((site) => ({
      ...wish(`definition for ${site}`, makeJob, { ...makeInputs, site }),
      isStillThere: async (jobId) =>
        (await context.findJob(jobId, site)) !== undefined &&
        (await findArtifact(context.storage, jobId)) !== undefined,
    })),
  );
  const definitions = await resultsOf(made, sites.length, DefinitionResult);
  const folders = sites.map((site, at) => ({
    site,
    paths: params.registerData ? (definitions[at]?.unregisteredFolders ?? []) : [],
  }));
  const registered = await run(context, folders.flatMap(toRegistrations));
  for (const [at, { site, paths }] of folders.entries()) {
    const copied = definitions[at]?.copiedDatasets ?? [];
    if (paths.length === 0 || copied.length === 0) continue;
    await context.warn(
      `${paths.join(', ')} was registered with ${site} after ArcPy had copied data into the definition (${copied.slice(0, 20).join(', ')}): the service shows them as they are today.`,
    );
  }
  const publishInputs = pick(params, Object.keys(publishing));
  const uploads: string[] = [];
  for (const [at, site] of sites.entries()) {
    const href = definitions[at]?.serviceDefinition.href ?? '';
    const artifactId = href.split('/').at(-1) ?? '';
    uploads.push(await context.step(handOver(site), { artifactId, context }));
  }
  const published = await run(
    context,
    sites.map((site, at) => ({
      ...wish(`service on ${site}`, publishServiceDefinitionJob, {
        ...publishInputs,
        site,
        serviceDefinition: linkToUpload(uploads[at] ?? ''),
      }),
      digest: digestOf([publishInputs, definitions[at]?.serviceDefinition.sha256]),
    })),
  );
  for (const uploadId of uploads) await context.uploads.letGo(uploadId, context.jobId);
  const results = await resultsOf(published, sites.length, z.unknown());
  return {
    childCount: made.count + registered.count + published.count,
    keptCount: made.kept + registered.kept + published.kept,
    services: sites.map((site, at) => ({
      site,
      definition: DefinitionResult.parse(definitions[at]),
      registeredFolders: folders[at]?.paths ?? [],
      published: results[at],
    })),
    warnings: context.warnings(),
  };
}

function wish(key: string, jobType: JobType, inputs: Record<string, unknown>): ChildWish {
  return { key, jobType, inputs, digest: digestOf(inputs) };
}

function pick(params: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  const wanted = new Set(names.filter((name) => name !== 'site' && name !== 'sites'));
  return Object.fromEntries(
    Object.entries(params).filter(([name, value]) => wanted.has(name) && value !== undefined),
  );
}

/** A child is left out of a retry only where it was asked for the same: this tells. */
export function digestOf(inputs: unknown): string {
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex');
}

/** What a child failed for is what the job failed for. */
class ChildProblemError extends GatewayError {
  override readonly name = 'ChildProblemError';
  readonly code: ErrorCode;

  constructor(problem: Problem, child: Record<string, unknown>, cause: Error) {
    const { type: _type, title: _title, status: _status, code, detail, ...facts } = problem;
    super(detail ?? problem.title, { cause, facts: { ...facts, failedChild: child } });
    this.code = code as ErrorCode;
  }
}

async function run(context: JobContext, wishes: ChildWish[]): Promise<Children> {
  if (wishes.length === 0) return { count: 0, kept: 0, results: async () => undefined };
  try {
    return await context.children(wishes);
  } catch (error) {
    if (!(error instanceof ChildrenFailedError) || wishes.length > 1) throw error;
    const [row] = (error.facts.failedChildren ?? []) as { jobID?: string; site?: string }[];
    if (row?.jobID === undefined) throw error;
    const problem = (await context.findJob(row.jobID, row.site ?? ''))?.exception;
    if (!problem) throw error;
    throw new ChildProblemError(problem, row, error);
  }
}

async function resultsOf<T>(children: Children, count: number, schema: z.ZodType<T>): Promise<T[]> {
  const results: T[] = [];
  for (let at = 0; at < count; at += 1) results.push(schema.parse(await children.results(at)));
  return results;
}

function toRegistrations({ site, paths }: { site: string; paths: string[] }): ChildWish[] {
  return paths.map((path) =>
    wish(`folder ${path} on ${site}`, registerFolderJob, { site, name: toItemName(path), path }),
  );
}

/** The last two parts of the path, and a few letters of its digest: two folders never get one name. */
function toItemName(path: string): string {
  const parts = path.split(/[\\/]+/).filter((part) => part !== '');
  const clean = parts
    .slice(-2)
    .join('_')
    .replaceAll(/[^A-Za-z0-9_-]+/g, '_')
    .slice(0, 60);
  return `${clean}_${digestOf(path.toLowerCase()).slice(0, 6)}`;
}

/** The definition that one child made becomes the input of the next. */
const handOver = (site: string) =>
  defineStep<{ artifactId: string; context: JobContext }, string>({
    name: `hand-over:${site}`,
    title: 'Handing the definition on',
    share: [50, 50],
    result: z.string(),
    async act({ artifactId, context }, { signal }) {
      const { storage, documents, uploads, owner, jobId, deadlineMs } = context;
      const upload = await adoptArtifact(artifactId, owner, {
        storage,
        documents,
        uploads,
        signal,
      });
      if (upload) {
        await uploads.holdUntil(upload.uploadId, jobId, deadlineMs); // until the child holds it
        return upload.uploadId;
      }
      throw new DefinitionGoneError('The definition that ArcPy made is not there any more.');
    },
  });

class DefinitionGoneError extends GatewayError {
  override readonly name = 'DefinitionGoneError';
  readonly code = 'unreadable_document';
}
