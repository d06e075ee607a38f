import { z } from 'zod';
import { defineStep, type StepContext } from '../step.ts';
import { uploadIdsOf } from '../upload-inputs.ts';
import type { UploadRecord } from '../upload-records.ts';
import { parseList } from './definition-list.ts';
import { findInFiles, findOnServer, type Taking } from './find-definitions.ts';
import { findPlan, writePlan } from './folder-plan.ts';
import { makePlan } from './make-plan.ts';
import type { ListedDefinition, PublishFolderParams } from './schema.ts';
import { SourceRefusedError } from './source-errors.ts';

type Input = Taking & { params: PublishFolderParams; warn: (text: string) => Promise<void> };

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
    const { params, storage, jobId, warn } = input;
    const { source } = params;
    const found =
      'folder' in source
        ? await findOnServer(source, input, context)
        : await findInFiles(await getFiles(input, context), input, context);
    const listed = [...toListed(params), ...found.listed];
    const { plan, warnings } = makePlan(found.definitions, listed, params);
    for (const warning of [...found.warnings, ...warnings].slice(0, 50)) await warn(warning);
    await writePlan(storage, jobId, plan);
    return { count: plan.length };
  },
});

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
