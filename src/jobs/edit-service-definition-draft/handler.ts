import { DraftEdits } from '../../documents/draft-edits.ts';
import { scratch } from '../../storage/folder-storage.ts';
import { keepArtifact, removeArtifact } from '../artifact-records.ts';
import { borrowUpload, getUpload, toArtifactName } from '../document-inputs.ts';
import type { JobContext } from '../job-type.ts';
import { defineStep } from '../step.ts';
import {
  type EditServiceDefinitionDraftParams,
  EditServiceDefinitionDraftResult,
} from './schema.ts';

type Input = { params: EditServiceDefinitionDraftParams; context: JobContext };

export async function editServiceDefinitionDraft(
  params: EditServiceDefinitionDraftParams,
  context: JobContext,
): Promise<EditServiceDefinitionDraftResult> {
  return await context.step(editAndKeep, { params, context });
}

/** Writing twice gives the same file under the same id, so a new attempt simply does it again. */
const editAndKeep = defineStep<Input, EditServiceDefinitionDraftResult>({
  name: 'edit',
  title: 'Editing the draft',
  share: [0, 100],
  result: EditServiceDefinitionDraftResult,
  async act({ params, context }, { jobId, attempt, signal }) {
    const { storage, documents, owner } = context;
    const { document, fileName, dryRun, ...rest } = params;
    const edits = DraftEdits.parse(rest);
    const upload = await getUpload(document, context);
    return await storage.scratch(`${scratch}/${jobId}-${attempt}.edit`, async (path) => {
      const target = dryRun ? undefined : path;
      const { changes } = await borrowUpload(upload, context, (source) =>
        documents.editDraft({ source, target, edits }, { signal }),
      );
      if (dryRun) return { changes };
      const name = toArtifactName(upload.name, fileName);
      return {
        document: await keepArtifact(storage, { jobId, owner, name, path, signal }),
        changes,
      };
    });
  },
  async undo({ params, context }, _result, { jobId }) {
    if (params.dryRun) return undefined;
    await removeArtifact(context.storage, jobId);
    return undefined;
  },
});
