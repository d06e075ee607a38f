import { z } from 'zod';
import { siteNamesOf } from '../data-store-selection.ts';
import type { JobContext } from '../job-type.ts';
import { defineStep, type StepContext } from '../step.ts';
import { uploadIdsOf } from '../upload-inputs.ts';
import type { UploadRecord } from '../upload-records.ts';
import { parseList } from './definition-list.ts';
import { findInFiles, findOnServer, type Taking, unpackOne } from './find-definitions.ts';
import { EarlierMembers, findPlan, type PlannedService, writePlan } from './folder-plan.ts';
import { makePlan } from './make-plan.ts';
import type { ListedDefinition, PublishFolderParams } from './schema.ts';
import { SourceRefusedError } from './source-errors.ts';
import { toWish } from './to-wish.ts';

type Input = Omit<Taking, 'earlier'> &
  Pick<JobContext, 'retryOf' | 'isDoneBefore' | 'warn'> & { params: PublishFolderParams };

const ReadSource = z.object({ count: z.int() });
type ReadSource = z.output<typeof ReadSource>;

/** Takes the definitions in and decides what is made of them. The plan lies in storage, once it is whole. */
export const readSource = defineStep<Input, ReadSource>({
  name: 'read-source',
  title: 'Reading the source',
  share: [0, 1],
  result: ReadSource,
  look: async ({ storage, jobId }) => {
    const plan = await findPlan(storage, jobId);
    return plan && { count: plan.length };
  },
  act: async (input, context) => {
    const { params, storage, jobId, retryOf, warn } = input;
    const { source } = params;
    const before = retryOf === undefined ? undefined : await findPlan(storage, retryOf);
    const taking = { ...input, earlier: new EarlierMembers(before ?? []) };
    const found =
      'folder' in source
        ? await findOnServer(source, taking, context)
        : await findInFiles(await getFiles(input, context), taking, context);
    const listed = [...toListed(params), ...found.listed];
    const { plan, warnings } = makePlan(found.definitions, listed, params);
    for (const warning of [...found.warnings, ...warnings].slice(0, 50)) await warn(warning);
    await unpackWhatIsNeeded(plan, taking, context);
    await writePlan(storage, jobId, plan);
    return { count: plan.length };
  },
});

/** What all sites have by an earlier try is not unpacked again. */
async function unpackWhatIsNeeded(
  plan: PlannedService[],
  taking: Input & Taking,
  context: StepContext,
): Promise<void> {
  const sites = siteNamesOf(taking.params);
  for (const service of plan) {
    if (service.uploadId !== undefined || !service.unpacked) continue;
    const wishes = sites.map((site) => toWish(service, site, taking.params));
    const done = await Promise.all(wishes.map((wish) => taking.isDoneBefore(wish)));
    if (done.every(Boolean)) continue;
    await context.progress(0.5, `Unpacking ${service.name}`);
    const { upload, fault } = await unpackOne(service.unpacked, taking, context);
    if (upload) service.uploadId = upload.uploadId;
    if (fault) service.fault = fault;
  }
}

function toListed({ list }: PublishFolderParams): ListedDefinition[] {
  if (list === undefined) return [];
  return typeof list === 'string' ? parseList(list, '#/inputs/list') : list;
}

async function getFiles({ params, uploads }: Input, _: StepContext): Promise<UploadRecord[]> {
  const files: UploadRecord[] = [];
  for (const { uploadId } of uploadIdsOf({ fileInputs: ['source'] }, params)) {
    const file = await uploads.find(uploadId);
    if (!file) throw new SourceRefusedError('A file of the source is not there any more.');
    files.push(file);
  }
  return files;
}
